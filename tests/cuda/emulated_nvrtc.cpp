// A library with the functions of NVRTC that npc calls, for tests: a C++ compiler makes a kernel for the processor, which
// emulated_driver.cpp runs.
//
// Compiled with -DCOMPILER=..., -DHEADERS=... the folder of emulator.h, -DCOMPILED=... a folder with its compiled form,
// -DPRELUDE=... the file with the text in front of each kernel, -DMAJOR=13.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fstream>
#include <sstream>
#include <string>

#ifndef MAJOR
#define MAJOR 13
#endif

namespace {
enum { OK = 0, COMPILATION = 6 };
struct Program { std::string name, text, log, code; };
std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
// The kernel as functions that emulated_driver.cpp finds in the library.
const char* const WRAPPER = R"(
template <class... A, size_t... I> static void call(void (*f)(A...), void** p, std::index_sequence<I...>) { f(*(A*)p[I]...); }
template <class... A> static void call(void (*f)(A...), void** p) { call(f, p, std::index_sequence_for<A...>()); }
template <class... A> static int count(void (*)(A...)) { return sizeof...(A); }
extern "C" int emulated_arguments() { return count(run); }
extern "C" void emulated_launch(unsigned x, unsigned y, int threads, size_t shared_bytes, void** p, unsigned seed) {
  emulator::launch({x, y, 1}, threads, shared_bytes, WAITS, [&] { call(run, p); }, seed);
}
)";
int compile(Program* program) {
  std::string prelude = contents(PRELUDE);
  if (prelude.empty() || program->text.compare(0, prelude.size(), prelude)) { program->log = "error: the text does not begin with the prelude"; return COMPILATION; }
  std::string kernel = program->text.substr(prelude.size());
  bool waits = false;
  for (const char* word : {"BARRIER", "from_lane", "load_matrices"}) waits = waits || kernel.find(word) != std::string::npos;
  char folder[] = "/tmp/npc-nvrtc-XXXXXX";
  if (!mkdtemp(folder)) return COMPILATION;
  std::string in = std::string(folder) + "/kernel.cpp", out = std::string(folder) + "/kernel.so", log = std::string(folder) + "/log";
  std::ofstream(in) << "#include \"emulator.h\"\n" << kernel << "\n#define WAITS " << waits << WRAPPER;
  std::string command = std::string(COMPILER) + " " FLAGS " -shared -I " COMPILED " -I " HEADERS " " + in + " -o " + out + " 2> " + log;
  int status = system(command.c_str());
  program->log = contents(log);
  program->code = contents(out);
  for (const std::string& path : {in, out, log}) unlink(path.c_str());
  rmdir(folder);
  return status == 0 && !program->code.empty() ? OK : COMPILATION;
}
int copy_out(const std::string& from, char* to) { memcpy(to, from.data(), from.size()); return OK; }
}  // namespace

extern "C" {
int nvrtcVersion(int* major, int* minor) { *major = MAJOR; *minor = 0; return OK; }
int nvrtcGetNumSupportedArchs(int* count) { *count = 3; return OK; }
int nvrtcGetSupportedArchs(int* numbers) { numbers[0] = 80; numbers[1] = 90; numbers[2] = 120; return OK; }
int nvrtcCreateProgram(void** program, const char* text, const char* name, int, const char* const*, const char* const*) { *program = new Program{name, text}; return OK; }
int nvrtcDestroyProgram(void** program) { delete (Program*)*program; *program = nullptr; return OK; }
int nvrtcCompileProgram(void* program, int, const char* const*) { return compile((Program*)program); }
int nvrtcGetProgramLogSize(void* program, size_t* size) { *size = ((Program*)program)->log.size() + 1; return OK; }
int nvrtcGetProgramLog(void* program, char* log) { log[((Program*)program)->log.size()] = 0; return copy_out(((Program*)program)->log, log); }
int nvrtcGetCUBINSize(void* program, size_t* size) { *size = ((Program*)program)->code.size(); return OK; }
int nvrtcGetCUBIN(void* program, char* code) { return copy_out(((Program*)program)->code, code); }
int nvrtcGetPTXSize(void* program, size_t* size) { return nvrtcGetCUBINSize(program, size); }
int nvrtcGetPTX(void* program, char* code) { return nvrtcGetCUBIN(program, code); }
}
