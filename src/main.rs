fn main() -> std::process::ExitCode {
    npc::cli::main()
}
