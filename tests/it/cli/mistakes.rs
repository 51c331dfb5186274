//! Ten mistakes that researchers make, one a file. Each message fits on a screen, and names the mistake.

use crate::support::front::{models_in, npc, repository};

const FOLDER: &str = "tests/mistakes";
/// Lines of a small terminal.
const SCREEN: usize = 24;

#[test]
fn each_mistake_fits_a_screen() {
    let files = models_in(FOLDER);
    assert_eq!(files.len(), 10);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let args = text.lines().find_map(|l| l.strip_prefix("// args: ")).unwrap_or("--size 64x64");
        let mut args: Vec<&str> = args.split_whitespace().collect();
        let verb = if args[0].starts_with("--") { "check" } else { args.remove(0) };
        let said = npc(&repository(FOLDER), &[&[verb, name.as_str()], &args[..]].concat());
        assert_eq!(said.code, 1, "{name}: {}", said.err);
        let screen = said.err.trim_end();
        let lines = screen.lines().count();
        assert!(lines <= SCREEN, "{name}: {lines} lines\n{screen}");
        assert_snapshot!("mistakes", name.trim_end_matches(".model"), format!("{}\n\n{screen}", text.trim_end()));
    }
}
