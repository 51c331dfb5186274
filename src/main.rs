//! The `npc` binary.

fn main() -> std::process::ExitCode {
    npc::cli::main()
}
