// A library with the functions of the CUDA driver that npc calls, for tests: its GPU is the processor. Work in a stream is done
// when somebody waits for it or, by chance, earlier: so a missing wait between streams, and memory of the host that is written too
// early, show as wrong numbers. Memory is guarded and not a number before it is written, as in emulator.h.
//
// Compiled with -DTOTAL_BYTES=..., -DDRIVER_VERSION=..., -DCAPABILITY=..., -DGPUS=..., and -DFAILING=cuLaunchKernel -DFAILURE=700
// for a function that fails.
#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include "emulator.h"

#ifndef TOTAL_BYTES
#define TOTAL_BYTES (1ull << 30)
#endif
#ifndef DRIVER_VERSION
#define DRIVER_VERSION 13000
#endif
#ifndef CAPABILITY
#define CAPABILITY 90
#endif
#ifndef GPUS
#define GPUS 1
#endif
#ifndef FAILING
#define FAILING nothing
#define FAILURE 0
#endif

namespace {
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700 };
using Work = std::function<void()>;
struct Stream { std::deque<Work> queue; size_t queued = 0, done = 0; };
struct Event { Stream* stream = nullptr; size_t position = 0; std::shared_ptr<double> at = std::make_shared<double>(0); };
struct Node { Work work; std::vector<size_t> before; };
struct Graph { std::vector<Node> nodes; };
// CUDA_KERNEL_NODE_PARAMS_v2
struct NodeParameters { void* function; unsigned x, y, z, threads, ty, tz, shared_bytes; void **parameters, **extra; void *kernel, *context; };
struct Module { void* library; int (*arguments)(); void (*launch)(unsigned, unsigned, int, size_t, void**, unsigned); int shared_bytes = 48 << 10; };

std::recursive_mutex lock;
std::map<uintptr_t, size_t> device_memory, host_memory;
std::vector<Stream*> streams;
size_t used = 0;
int sticky = OK, contexts = 0;
unsigned chance = 1;
thread_local void* current = nullptr;
char context;

unsigned random_number() { chance = chance * 1664525u + 1013904223u; return chance >> 8; }
// Does the work of a stream up to a position.
void drain(Stream* stream, size_t position) {
  while (stream->done < position) {
    Work work = stream->queue.front();
    stream->queue.pop_front();
    stream->done++;
    work();
  }
}
void drain_all() { for (Stream* stream : streams) drain(stream, stream->queued); }
// For some hundred calls one stream does everything at once and the others nothing, or all wait.
void happen_by_chance() {
  static unsigned favourite = 0;
  if (streams.empty()) return;
  if (random_number() % 128 == 0) favourite = random_number();
  unsigned at = favourite % (2 * streams.size());
  if (at < streams.size()) drain(streams[at], streams[at]->queued);
}
int put(void* handle, Work work) {
  Stream* stream = (Stream*)handle;
  if (!stream) return INVALID_HANDLE;
  stream->queue.push_back(work);
  stream->queued++;
  happen_by_chance();
  return OK;
}
bool inside(const std::map<uintptr_t, size_t>& memory, uintptr_t at, size_t bytes) {
  auto found = memory.upper_bound(at);
  if (found == memory.begin()) return false;
  --found;
  return at + bytes <= found->first + found->second;
}
// Copies when its turn comes; what lies outside memory is found only then, as on a GPU.
int put_copy(void* stream, uintptr_t to, bool to_device, uintptr_t from, bool from_device, size_t bytes) {
  return put(stream, [=] {
    bool there = inside(to_device ? device_memory : host_memory, to, bytes) && inside(from_device ? device_memory : host_memory, from, bytes);
    if (there) memcpy((void*)to, (void*)from, bytes); else sticky = ILLEGAL_ADDRESS;
  });
}
int work_of(void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz, unsigned shared_bytes, void** parameters, Work* work) {
  Module* module = (Module*)function;
  if (!x || y - 1 > 65534 || z != 1 || threads - 1 > 1023 || ty != 1 || tz != 1 || (int)shared_bytes > module->shared_bytes) return INVALID_VALUE;
  std::vector<void*> values;
  for (int i = 0; i < module->arguments(); i++) values.push_back(*(void**)parameters[i]);
  *work = [=] {
    std::vector<void*> own = values, places;
    for (void*& value : own) places.push_back(&value);
    module->launch(x, y, threads, shared_bytes, places.data(), random_number());
  };
  return OK;
}
double now() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
// An ELF file ends with the table of its sections.
size_t size_of_image(const void* image) {
  Elf64_Ehdr head;
  memcpy(&head, image, sizeof head);
  return memcmp(head.e_ident, ELFMAG, SELFMAG) ? 0 : head.e_shoff + (size_t)head.e_shentsize * head.e_shnum;
}
}  // namespace

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define FUNCTION_NAMED(name, ...) \
  extern "C" int name(__VA_ARGS__) { \
    std::lock_guard<std::recursive_mutex> held(lock); \
    if (!strcmp(TEXT(FAILING), #name)) return FAILURE;
#define WITH_CONTEXT() if (current != &context) return INVALID_CONTEXT; if (sticky) return sticky;
#define END }

FUNCTION_NAMED(cuGetErrorName, int error, const char** name)
  static const std::map<int, const char*> names = {{2, "CUDA_ERROR_OUT_OF_MEMORY"}, {100, "CUDA_ERROR_NO_DEVICE"}, {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {719, "CUDA_ERROR_LAUNCH_FAILED"}};
  auto found = names.find(error);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? INVALID_VALUE : OK;
END
FUNCTION_NAMED(cuInit, unsigned) return GPUS ? OK : NO_DEVICE; END
FUNCTION_NAMED(cuDriverGetVersion, int* version) *version = DRIVER_VERSION; return OK; END
FUNCTION_NAMED(cuDeviceGetCount, int* count) *count = GPUS; return OK; END
FUNCTION_NAMED(cuDeviceGet, int* device, int index) *device = index; return index < GPUS ? OK : INVALID_DEVICE; END
FUNCTION_NAMED(cuDeviceGetName, char* name, int length, int) snprintf(name, length, "Emulated GPU"); return OK; END
FUNCTION_NAMED(cuDeviceGetAttribute, int* value, int attribute, int)
  *value = attribute == 16 ? 4 : attribute == 75 ? CAPABILITY / 10 : attribute == 76 ? CAPABILITY % 10 : attribute == 97 ? 227 << 10 : 0;
  return OK;
END
FUNCTION_NAMED(cuDeviceTotalMem_v2, size_t* bytes, int) *bytes = TOTAL_BYTES; return OK; END
FUNCTION_NAMED(cuDevicePrimaryCtxRetain, void** to, int) contexts++; *to = &context; return OK; END
FUNCTION_NAMED(cuDevicePrimaryCtxRelease_v2, int)
  if (contexts-- <= 0) return INVALID_CONTEXT;
  // What a program leaves behind is its mistake.
  if (contexts == 0 && (!device_memory.empty() || !host_memory.empty() || !streams.empty())) { fprintf(stderr, "emulated driver: memory or streams are left\n"); abort(); }
  return OK;
END
FUNCTION_NAMED(cuCtxSetCurrent, void* to) current = to; return OK; END
FUNCTION_NAMED(cuMemGetInfo_v2, size_t* free, size_t* total) WITH_CONTEXT() *free = TOTAL_BYTES - used; *total = TOTAL_BYTES; return OK; END
FUNCTION_NAMED(cuMemAlloc_v2, unsigned long long* address, size_t bytes)
  WITH_CONTEXT()
  if (bytes == 0) return INVALID_VALUE;
  if (used + bytes > TOTAL_BYTES) return OUT_OF_MEMORY;
  // Multiples of 256, as the driver gives them.
  size_t whole = (bytes + 255) / 256 * 256;
  uintptr_t at = ((uintptr_t)emulator::guarded(whole));
  device_memory[at] = whole;
  used += whole;
  *address = at;
  return OK;
END
FUNCTION_NAMED(cuMemFree_v2, unsigned long long address)
  drain_all();
  auto found = device_memory.find(address);
  if (found == device_memory.end()) return INVALID_VALUE;
  emulator::release((void*)found->first, found->second);
  used -= found->second;
  device_memory.erase(found);
  return OK;
END
FUNCTION_NAMED(cuMemHostAlloc, void** address, size_t bytes, unsigned) WITH_CONTEXT() *address = malloc(bytes); host_memory[(uintptr_t)*address] = bytes; return OK; END
FUNCTION_NAMED(cuMemFreeHost, void* address) drain_all(); if (!host_memory.erase((uintptr_t)address)) return INVALID_VALUE; free(address); return OK; END
FUNCTION_NAMED(cuMemcpyHtoDAsync_v2, unsigned long long to, const void* from, size_t bytes, void* stream) WITH_CONTEXT() return put_copy(stream, to, true, (uintptr_t)from, false, bytes); END
FUNCTION_NAMED(cuMemcpyDtoHAsync_v2, void* to, unsigned long long from, size_t bytes, void* stream) WITH_CONTEXT() return put_copy(stream, (uintptr_t)to, false, from, true, bytes); END
FUNCTION_NAMED(cuMemcpyDtoDAsync_v2, unsigned long long to, unsigned long long from, size_t bytes, void* stream) WITH_CONTEXT() return put_copy(stream, to, true, from, true, bytes); END
FUNCTION_NAMED(cuMemsetD32Async, unsigned long long to, unsigned value, size_t count, void* stream)
  WITH_CONTEXT()
  return put(stream, [=] { if (inside(device_memory, to, count * 4)) std::fill_n((unsigned*)to, count, value); else sticky = ILLEGAL_ADDRESS; });
END
FUNCTION_NAMED(cuModuleLoadData, void** module, const void* image)
  WITH_CONTEXT()
  size_t bytes = size_of_image(image);
  char path[] = "/tmp/npc-kernel-XXXXXX";
  int file = bytes ? mkstemp(path) : -1;
  if (file < 0) return INVALID_IMAGE;
  bool written = write(file, image, bytes) == (ssize_t)bytes;
  close(file);
  void* library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
  unlink(path);
  if (!library) return INVALID_IMAGE;
  Module* made = new Module{library};
  made->arguments = (int (*)())dlsym(library, "emulated_arguments");
  made->launch = (void (*)(unsigned, unsigned, int, size_t, void**, unsigned))dlsym(library, "emulated_launch");
  *module = made;
  return OK;
END
FUNCTION_NAMED(cuModuleUnload, void* module) drain_all(); dlclose(((Module*)module)->library); delete (Module*)module; return OK; END
FUNCTION_NAMED(cuModuleGetFunction, void** function, void* module, const char* name)
  WITH_CONTEXT()
  *function = module;
  return !strcmp(name, "run") && ((Module*)module)->launch ? OK : NOT_FOUND;
END
FUNCTION_NAMED(cuFuncSetAttribute, void* function, int attribute, int value)
  if (attribute != 8 || value > 227 << 10) return INVALID_VALUE;
  ((Module*)function)->shared_bytes = value;
  return OK;
END
FUNCTION_NAMED(cuLaunchKernel, void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz, unsigned shared_bytes, void* stream, void** parameters, void**)
  WITH_CONTEXT()
  Work work;
  int status = work_of(function, x, y, z, threads, ty, tz, shared_bytes, parameters, &work);
  return status == OK ? put(stream, work) : status;
END
FUNCTION_NAMED(cuStreamCreate, void** stream, unsigned) WITH_CONTEXT() streams.push_back(new Stream); *stream = streams.back(); return OK; END
FUNCTION_NAMED(cuStreamDestroy_v2, void* stream)
  drain((Stream*)stream, ((Stream*)stream)->queued);
  streams.erase(std::find(streams.begin(), streams.end(), (Stream*)stream));
  delete (Stream*)stream;
  return OK;
END
FUNCTION_NAMED(cuStreamSynchronize, void* handle)
  WITH_CONTEXT()
  Stream* stream = (Stream*)handle;
  drain(stream, stream->queued);
  return sticky;
END
FUNCTION_NAMED(cuStreamWaitEvent, void* stream, void* handle, unsigned)
  WITH_CONTEXT()
  Event event = *(Event*)handle;
  return event.stream ? put(stream, [=] { drain(event.stream, event.position); }) : OK;
END
FUNCTION_NAMED(cuGraphCreate, void** graph, unsigned) WITH_CONTEXT() *graph = new Graph; return OK; END
// Nodes are numbered from 1, so that none is null.
FUNCTION_NAMED(cuGraphAddKernelNode_v2, void** node, void* handle, void* const* before, size_t count, const NodeParameters* p)
  WITH_CONTEXT()
  Work work;
  int status = work_of(p->function, p->x, p->y, p->z, p->threads, p->ty, p->tz, p->shared_bytes, p->parameters, &work);
  if (status != OK) return status;
  Graph* graph = (Graph*)handle;
  std::vector<size_t> waits;
  for (size_t i = 0; i < count; i++) {
    size_t earlier = (size_t)before[i] - 1;
    if (earlier >= graph->nodes.size()) return INVALID_HANDLE;
    waits.push_back(earlier);
  }
  graph->nodes.push_back({work, waits});
  *node = (void*)graph->nodes.size();
  return OK;
END
FUNCTION_NAMED(cuGraphInstantiateWithFlags, void** executable, void* graph, unsigned long long) WITH_CONTEXT() *executable = new Graph(*(Graph*)graph); return OK; END
FUNCTION_NAMED(cuGraphLaunch, void* executable, void* stream)
  WITH_CONTEXT()
  // A random order in which each node comes after those that it waits for.
  const auto& nodes = ((Graph*)executable)->nodes;
  std::vector<bool> is_put(nodes.size());
  for (size_t left = nodes.size(); left > 0; left--) {
    std::vector<size_t> ready;
    for (size_t i = 0; i < nodes.size(); i++)
      if (!is_put[i] && std::all_of(nodes[i].before.begin(), nodes[i].before.end(), [&](size_t b) { return is_put[b]; })) ready.push_back(i);
    size_t chosen = ready[random_number() % ready.size()];
    is_put[chosen] = true;
    put(stream, nodes[chosen].work);
  }
  return OK;
END
FUNCTION_NAMED(cuGraphExecDestroy, void* executable) delete (Graph*)executable; return OK; END
FUNCTION_NAMED(cuGraphDestroy, void* graph) delete (Graph*)graph; return OK; END
FUNCTION_NAMED(cuEventCreate, void** event, unsigned) WITH_CONTEXT() *event = new Event; return OK; END
FUNCTION_NAMED(cuEventDestroy_v2, void* event) delete (Event*)event; return OK; END
FUNCTION_NAMED(cuEventRecord, void* handle, void* stream)
  WITH_CONTEXT()
  Event* event = (Event*)handle;
  event->at = std::make_shared<double>(0);
  auto at = event->at;
  event->stream = (Stream*)stream;
  // Put by itself, so that nothing runs between it and its position.
  event->stream->queue.push_back([at] { *at = now(); });
  event->position = ++event->stream->queued;
  return OK;
END
FUNCTION_NAMED(cuEventSynchronize, void* handle)
  WITH_CONTEXT()
  Event* event = (Event*)handle;
  if (event->stream) drain(event->stream, event->position);
  return sticky;
END
FUNCTION_NAMED(cuEventElapsedTime, float* milliseconds, void* from, void* to) WITH_CONTEXT() *milliseconds = (float)(*((Event*)to)->at - *((Event*)from)->at); return OK; END
