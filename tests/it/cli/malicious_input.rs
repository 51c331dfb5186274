//! Malicious files: each ends in a message or a result within seconds and within half a gigabyte.

use crate::support::program::ProgramOutput;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Limit on the address space: half a gigabyte plus the stack, of which little is touched.
const KILOBYTES: usize = (512 + 256) << 10;
/// Limit on the time, wide enough for debug builds on busy machines.
const LONGEST: Duration = Duration::from_secs(60);

fn checked_within_limits(folder: &Path, file: &str, what: &str) -> ProgramOutput {
    let npc = env!("CARGO_BIN_EXE_npc");
    let line = format!("ulimit -v {KILOBYTES}; exec \"{npc}\" check {file} --size 32x32 --format json");
    let start = Instant::now();
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder).output().unwrap();
    assert!(start.elapsed() < LONGEST, "{what} takes {:?}", start.elapsed());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    ProgramOutput { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Returns the code of the first error, or `ok`. Fails unless the exit code is 0 or 1 and standard output is JSON.
fn outcome(text: impl AsRef<[u8]>, what: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.model"), text).unwrap();
    error_code(&checked_within_limits(folder.path(), "a.model", what), what)
}

fn error_code(output: &ProgramOutput, what: &str) -> String {
    assert!(matches!(output.code, 0 | 1), "{what}: exit code {}\n{:.500}", output.code, output.stderr);
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{what}: {e}"));
    let problems = document["problems"].as_array().unwrap();
    let error = problems.iter().find(|p| p["severity"] == "error").map(|p| p["code"].as_str().unwrap());
    assert_eq!(error.is_some(), output.code == 1, "{what}: {}", output.stdout);
    error.unwrap_or("ok").to_string()
}

/// Returns a model with this body.
fn model(body: &str) -> String {
    format!("npc 1\nmodel M(x: [3, H, W]) -> [3, H, W] {{\n{body}\n}}\n")
}

fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| line(i) + "\n").collect()
}

#[test]
fn nesting_ends() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("f(", ")"), ("if true { ", " } else { x }"), ("-", ""), ("x |> ", "")]
    {
        let text = model(&format!("return {}x{}", open.repeat(10_000), close.repeat(10_000)));
        assert_eq!(outcome(text, open), "E0104", "{open}");
    }
    assert_eq!(outcome(format!("npc 1\n{}", "(".repeat(1 << 20)), "a million brackets"), "E0101");
    let lists = "let a[0] = [1]\nfor i in 0..60 { let a[i + 1] = [a[i], a[i]] }\nreturn x";
    assert_eq!(outcome(model(lists), "lists of lists"), "E0311");
}

#[test]
fn loops_end() {
    for body in [
        "for i in 0..1000000000 { let y[i] = x }\nreturn x",
        "for i in 0..100000 { for j in 0..100000 { for k in 0..100000 { let y[i, j, k] = x } } }\nreturn x",
        "for i in 0..100000 { for j in 0..100000 { } }\nreturn x",
        "return x |> repeat(1000000000, identity)",
        "return x |> repeat(1000000000, relu)",
        "return x |> repeat(100000, repeat(100000, repeat(100000, identity)))",
        "let a = [[[i for i in 0..10000] for j in 0..10000] for k in 0..10000]\nreturn x",
        "let a[0] = [1]\nfor i in 0..60 { let a[i + 1] = a[i] ++ a[i] }\nreturn x",
        "let a = [i for i in 0..300000]\nfor i in 0..100000 { let b[i] = a }\nreturn x",
        "let a = [i for i in 0..10000]\nfor i in 0..10000 { let b[i] = a[0..i] }\nreturn x",
        "for i in 0..100000 { let b[i] = x\nlet c[i] = b[0..i] }\nreturn x",
        "let a[0] = x\nfor i in 0..60 { let a[i + 1] = concat(a[i], a[i]) }\nreturn x",
    ] {
        assert_eq!(outcome(model(body), body), "E0311", "{body}");
    }
    let doubled = lines(40, |i| format!("block b{i}(x: [c, h, w]) = x |> b{} |> b{}", i + 1, i + 1));
    let end = "block b40(x: [c, h, w]) = x |> relu\nmodel M(x: [3, H, W]) -> [3, H, W] = x |> b0\n";
    assert_eq!(outcome(format!("npc 1\n{doubled}{end}"), "2^40 blocks"), "E0311");
}

#[test]
fn recursion_is_refused() {
    let circle = |n: usize| {
        let blocks = lines(n, |i| format!("block b{i}(x: [c, h, w]) = x |> b{}", (i + 1) % n));
        format!("npc 1\n{blocks}model M(x: [3, H, W]) -> [3, H, W] = x |> b0\n")
    };
    for n in [1, 2, 3000] {
        assert_eq!(outcome(circle(n), "a circle"), "E0203", "{n} blocks");
    }
    let chain = lines(3000, |i| format!("block b{i}(x: [c, h, w]) = x |> b{}", i + 1));
    let text = format!("npc 1\n{chain}block b3000(x: [c, h, w]) = x\nmodel M(x: [3, H, W]) -> [3, H, W] = x |> b0\n");
    assert_eq!(outcome(text, "a chain"), "E0311");
    let variants = lines(3000, |i| format!("variant V{} = V{i}", i + 1));
    let text = format!("npc 1\nmodel V0(x: [3, H, W]) -> [3, H, W] = x |> relu\n{variants}");
    assert_eq!(outcome(text, "variants"), "E0208");
}

#[test]
fn long_names_and_numbers() {
    let long = "a".repeat(10_000_000);
    assert_eq!(outcome(model(&format!("let {long} = x\nreturn x")), "a name of 10 MB"), "E0106");
    let long = &long[..1_000_000];
    assert_eq!(outcome(model(&format!("let {long} = x |> relu\nreturn {long}")), "a name of 1 MB"), "ok");
    assert_eq!(outcome(model(&format!("return x |> {long}")), "an unknown name of 1 MB"), "E0201");
    let path = format!("npc 1\nblock {}(x: [c, h, w]) = x |> relu |> relu\n", &long[..100_000]);
    let many = format!("model M(x: [3, H, W]) -> [3, H, W] = x |> repeat(10000, {})\n", &long[..100_000]);
    assert_eq!(outcome(path + &many, "long paths"), "E0311");
    let digits = "9".repeat(1_000_000);
    assert_eq!(outcome(model(&format!("return x |> conv({digits})")), "digits"), "E0105");
    for (value, code) in [
        ("9223372036854775807", "E0206"),
        ("9223372036854775808", "E0105"),
        ("4294967295", "E0311"),
        ("-3", "E0206"),
        ("0", "E0206"),
        ("1 / 0", "E0310"),
        ("5 % 0", "E0310"),
        ("ceil(1 / 0)", "E0310"),
        ("(-9223372036854775807 - 1) / -1", "E0310"),
        ("(-9223372036854775807 - 1) % -1", "E0310"),
        ("-(-9223372036854775807 - 1)", "E0310"),
        ("9223372036854775807 + 1", "E0310"),
        ("9223372036854775807 * 9223372036854775807", "E0310"),
    ] {
        assert_eq!(outcome(model(&format!("return x |> conv({value}, k = 1)")), value), code, "{value}");
    }
    let sizes = "return x |> conv(3, k = 4294967295, dilation = 4294967295)";
    assert_eq!(outcome(model(sizes), "a wide kernel"), "E0311");
    for size in ["[-1, 5]", "[0, 5]", "[99999999999, 5]"] {
        assert_eq!(outcome(model(&format!("return x |> resize(to = {size})")), size), "E0206", "{size}");
    }
}

#[test]
fn bytes_that_are_no_text() {
    let good = model("return x |> relu");
    assert_eq!(outcome(b"npc 1\n\xff\xfe\x00", "no UTF-8"), "E0106");
    assert_eq!(outcome(model("return x\0"), "a zero byte"), "E0101");
    assert_eq!(outcome("npc 1\n".to_string() + &"\0".repeat(1 << 20), "zero bytes"), "E0101");
    assert_eq!(outcome(format!("\u{feff}{good}"), "a byte order mark"), "ok");
    assert_eq!(outcome("\u{feff}".repeat(1000) + &good, "many marks"), "E0101");
    assert_eq!(outcome(good.replace('\n', "\r\n"), "line ends of Windows"), "ok");
    assert_eq!(outcome("", "nothing"), "E0103");
    assert_eq!(outcome("npc 1\n".to_string() + &"\"".repeat(1 << 20), "quotes"), "E0101");
    assert_eq!(outcome("npc 1\n".to_string() + &"/".repeat(1 << 20), "slashes"), "E0501");
}

#[test]
fn many_of_everything() {
    for (what, text, code) in [
        ("mistakes", "npc 1\n".to_string() + &"block a\n".repeat(50_000), "E0101"),
        ("bare keywords", "npc 1\n".to_string() + &"block\n".repeat(100_000), "E0101"),
        ("items of one name", "npc 1\n".to_string() + &"enum E { a }\n".repeat(50_000), "E0202"),
        ("cases of one name", format!("npc 1\nenum E {{ {} }}\n", "a, ".repeat(100_000)), "E0202"),
        ("names of one kind", model(&(lines(50_000, |_| "let a = x".into()) + "return x")), "E0308"),
        ("unknown names", model(&format!("return concat({})", lines(50_000, |i| format!("a{i}, ")))), "E0201"),
        ("a list", model(&format!("let a = [{}]\nreturn x", "1, ".repeat(500_000))), "E0311"),
        ("terms", model(&format!("return x{}", " + x".repeat(500_000))), "E0311"),
        ("stages", model(&format!("return x{}", " |> relu".repeat(50_000))), "E0104"),
        ("imports", "npc 1\n".to_string() + &"import \"none.model\"\n".repeat(20_000), "E0209"),
        ("dims", format!("npc 1\nmodel M(x: [3, H, W]) -> [{}] = x\n", "3, ".repeat(20_000)), "E0302"),
        ("a string", model(&format!("require false, \"{}\"\nreturn x", "{a}".repeat(100_000))), "E0306"),
        (
            "variants",
            "npc 1\nmodel M(x: [3, H, W]) -> [3, H, W] = x |> relu\n".to_string()
                + &lines(20_000, |i| format!("variant V{i} = M")),
            "E0311",
        ),
        (
            "models",
            "npc 1\n".to_string()
                + &lines(20, |i| format!("model M{i}(x: [3, H, W]) -> [3, H, W] = x |> repeat(50000, relu)")),
            "E0311",
        ),
        (
            "parameters",
            "npc 1\nmodel M(x: [3, H, W], ".to_string()
                + &lines(20_000, |i| format!("a{i}: int = 1, "))
                + ") -> [3, H, W] = x\n",
            "E0311",
        ),
        (
            "arguments",
            "npc 1\nblock f(x: [c, h, w], ".to_string()
                + &lines(10_000, |i| format!("a{i}: int, "))
                + ") = x\nmodel M(x: [3, H, W]) -> [3, H, W] = x |> f("
                + &lines(10_000, |i| format!("a{i} = 1, "))
                + ")\n",
            "E0311",
        ),
        (
            "claims",
            "npc 1\nmodel M(x: [3, 32, 32]) -> [3, 32, 32] = x |> relu\n".to_string()
                + &"expect M { params == 0 macs == 0 }\n".repeat(5_000),
            "ok",
        ),
        (
            "points of a sweep",
            "npc 1\nmodel M(x: [3, H, W], n: int = 1) -> [3, H, W] = x |> repeat(20000, relu)\n".to_string()
                + &format!("sweep S = M(n = 1{})\n", " | 1".repeat(4_000)),
            "E0311",
        ),
        (
            "values for a hole",
            "npc 1\nmodel M(x: [3, H, W], n: int = ? in 0..9000000000000000000) -> [3, H, W] = x\n\
            expect M { params == 1 }\n"
                .to_string(),
            "ok",
        ),
    ] {
        assert_eq!(outcome(&text, what), code, "{what}");
    }
}

#[test]
fn imports_of_other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::create_dir(here.join("sub")).unwrap();
    std::fs::File::create(here.join("sparse.model")).unwrap().set_len(1 << 30).unwrap();
    assert!(Command::new("mkfifo").arg(here.join("fifo.model")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", here.join("zero.model")).unwrap();
    for (path, code) in [
        ("a.model", "E0210"),
        ("sub", "E0209"),
        ("none.model", "E0209"),
        ("../a.model", "E0209"),
        ("/dev/zero", "E0209"),
        ("", "E0209"),
        (".", "E0209"),
        ("sparse.model", "E0209"),
        ("fifo.model", "E0209"),
        ("zero.model", "E0209"),
    ] {
        std::fs::write(here.join("a.model"), format!("npc 1\nimport \"{path}\"\n")).unwrap();
        assert_eq!(error_code(&checked_within_limits(here, "a.model", path), path), code, "{path}");
    }
    for path in ["sparse.model", "fifo.model", "zero.model", "sub"] {
        assert_eq!(error_code(&checked_within_limits(here, path, path), path), "E0106", "{path}");
    }
}

#[test]
fn settings_end() {
    let bombs = lines(40, |i| format!("a{}: &a{} [*a{i}, *a{i}, *a{i}, *a{i}]", i + 1, i + 1));
    for (what, text) in [
        ("lists", "[".repeat(200_000)),
        ("maps", "{".repeat(200_000)),
        ("brackets over lines", "[\n".repeat(100_000)),
        ("items", "- ".repeat(100_000)),
        ("keys", "? ".repeat(100_000)),
        ("values", ": ".repeat(100_000)),
        ("tags", "!a ".repeat(80_000)),
        ("anchors", "&a ".repeat(80_000)),
        ("doubled aliases", format!("a0: &a0 [x]\n{bombs}")),
        ("indents", lines(700, |i| format!("{}a:", " ".repeat(i)))),
        ("a quote", "\"".to_string() + &"\n".repeat(200_000)),
        ("commas", "a: [".to_string() + &",".repeat(200_000)),
        ("a large file", "#".repeat(300_000)),
    ] {
        let start = Instant::now();
        assert!(npc::text::config::settings::from_yaml(&text).is_err(), "{what}");
        assert!(start.elapsed() < LONGEST / 4, "{what} takes {:?}", start.elapsed());
    }
}

/// The text of a message is work as well: a value may be written into it any number of times.
#[test]
fn messages_end() {
    let body = |text: String| {
        model(&format!("let a = [i for i in 0..100000]\nfor i in 0..900 {{ require false, \"{text}\" }}\nreturn x"))
    };
    assert_eq!(outcome(body("{a}".repeat(2000)), "a long list in a message"), "E0306");
    assert_eq!(outcome(body("{i}".repeat(100_000)), "many values in a message"), "E0306");
    let shadowed = "let a = [i for i in 0..100000]\nfor j in 0..990 { for a in 0..1 { } }\nreturn x";
    assert_eq!(outcome(model(shadowed), "a long list that is bound again"), "E0308");
}

#[test]
fn indices_end() {
    let zeros = vec!["0"; 10_000].join(",");
    let text = format!("let n[{zeros}] = x\nlet y = n[0..1000000,{}]\nreturn x", &zeros[2..]);
    assert_eq!(outcome(model(&text), "a range of nodes with many indices"), "E0311");
}

/// A claim is judged for every model that it is about: the products of the limits have a limit.
#[test]
fn claims_and_bounds_end() {
    let one = "model M(x: [3, 32, 32]) -> [3, 32, 32] = x |> repeat(2000, relu)";
    let text = format!("npc 1\n{one}\nexpect M {{ {} }}\n", "params == 0  ".repeat(5000));
    assert_eq!(outcome(text, "many claims about many nodes"), "ok");
    let hole = "model M(x: [3, 32, 32], a: int = ? in 1..4000) -> [3, 32, 32] = x |> relu";
    let text = format!("npc 1\n{hole}\nexpect M {{ {} }}\n", "params == 0  ".repeat(5000));
    assert_eq!(outcome(text, "many claims about many values of a hole"), "E0311");
    let swept = "model M(x: [3, 32, 32], a: int = 1) -> [3, 32, 32] = x |> relu";
    let text =
        format!("npc 1\n{swept}\nsweep s = M(a = 1..4000 step 1) keep where {}\n", ["macs < 1T"; 5000].join(" and "));
    assert_eq!(outcome(text, "many bounds of many models"), "E0311");
    let list = vec!["1"; 20_000].join(", ");
    let listed = "model M(x: [3, 32, 32], a: int = 1, l: int[] = [1]) -> [3, 32, 32] = x |> relu";
    let text = format!("npc 1\n{listed}\nsweep s = M(a = 1..4000 step 1, l = [{list}])\n");
    assert_eq!(outcome(text, "a long list in many models"), "E0311");
}
