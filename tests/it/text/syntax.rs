//! The syntax layer from outside: texts that parse, messages for those that do not, and formatting that changes
//! nothing.

use npc::text::diag::{Code, Problems};
use npc::text::files::{Disk, read};
use npc::text::source::{SourceId, SourceMap};
use npc::text::syntax::ast::{Expr, ExprKind, File, ItemKind, ParamTypeKind, UnaryOp};
use npc::text::syntax::{parse, parse_value, print};
use proptest::prelude::*;

/// The example of the language's design, with forms that it lacks.
const EXAMPLE: &str = include_str!("syntax/example.model");
const REST: &str = include_str!("syntax/rest.model");

struct Parsed {
    sources: SourceMap,
    id: SourceId,
    file: File,
    problems: Problems,
}

fn parse_text(text: &str) -> Parsed {
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", text);
    let (file, problems) = parse(&sources, id);
    Parsed { sources, id, file, problems }
}

impl Parsed {
    /// `line:column code message` of each problem, in order.
    fn messages(&self) -> Vec<String> {
        let line = |d: &npc::text::diag::Diagnostic| {
            let place = d.primary.as_ref().map_or((0, 0), |l| self.sources.line_column(l.span));
            format!("{}:{} {} {}", place.0, place.1, d.code.id(), d.message)
        };
        self.problems.iter().map(line).collect()
    }

    fn help(&self) -> String {
        let edits =
            |d: &npc::text::diag::Diagnostic| d.suggestions.iter().map(|s| s.message.clone()).collect::<Vec<_>>();
        self.problems.iter().flat_map(|d| [d.help.clone(), edits(d)].concat()).collect::<Vec<_>>().join("\n")
    }

    fn printed(&self) -> String {
        print(&self.sources, self.id, &self.file)
    }
}

fn parse_valid(text: &str) -> Parsed {
    let parsed = parse_text(text);
    assert_eq!(parsed.messages(), Vec::<String>::new(), "in {text}");
    parsed
}

/// Parses a block whose body is `body`.
fn parse_block(body: &str) -> Parsed {
    parse_text(&format!("npc 1\nblock f(x: [c, h, w]) {{\n{body}\n}}\n"))
}

/// Writes an expression with all its grouping in parentheses.
fn value(text: &str) -> String {
    let mut sources = SourceMap::new();
    let id = sources.add("<test>", text);
    match parse_value(&sources, id) {
        Ok(expr) => parenthesized(&expr),
        Err(problems) => problems.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; "),
    }
}

fn parenthesized(expr: &Expr) -> String {
    let all = |items: &[Expr]| items.iter().map(parenthesized).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Float(x) => format!("{x:?}"),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Str(s) => format!("{s:?}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Call(call) => {
            let arg = |a: &npc::text::syntax::ast::Arg| match &a.name {
                Some(name) => format!("{name}={}", parenthesized(&a.value)),
                None => parenthesized(&a.value),
            };
            format!("{}({})", call.name, call.args.iter().map(arg).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Pipe { lhs, rhs } => format!("({} |> {})", parenthesized(lhs), parenthesized(rhs)),
        ExprKind::Index { base, indices } => format!("{}[{}]", parenthesized(base), all(indices)),
        ExprKind::Member { base, name } => format!("{}.{name}", parenthesized(base)),
        ExprKind::List(items) => format!("[{}]", all(items)),
        ExprKind::Comprehension { item, var, iter } => {
            format!("[{} for {var} in {}]", parenthesized(item), parenthesized(iter))
        }
        ExprKind::Tuple(items) => format!("tuple({})", all(items)),
        ExprKind::Record(_) => "record".into(),
        ExprKind::Unary { op, value } if op.node == UnaryOp::Neg => format!("(-{})", parenthesized(value)),
        ExprKind::Unary { value, .. } => format!("(not {})", parenthesized(value)),
        ExprKind::Binary { op, lhs, rhs } => {
            format!("({} {} {})", parenthesized(lhs), op.node.symbol(), parenthesized(rhs))
        }
        ExprKind::Range { lo, hi } => format!("({}..{})", parenthesized(lo), parenthesized(hi)),
        ExprKind::Match { value, arms } => format!("match {} of {}", parenthesized(value), arms.len()),
        ExprKind::If { cond, then, otherwise } => {
            format!("if {} {} {}", parenthesized(cond), parenthesized(then), parenthesized(otherwise))
        }
        ExprKind::Hole { .. } => "?".into(),
    }
}

/// Returns a tree without its places.
fn shape(file: &File) -> String {
    let text = format!("{file:?}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').expect("debug output closes its braces");
        rest = &rest[at + end + 1..];
    }
    out + rest
}

/// Returns the comments of a text, sorted.
fn comments(text: &str) -> Vec<&str> {
    let comment = |line: &str| {
        let mut in_string = false;
        line.char_indices().find_map(|(i, c)| {
            in_string ^= c == '"';
            (!in_string && line[i..].starts_with("//")).then_some(i)
        })
    };
    let mut found: Vec<_> = text.lines().filter_map(|l| comment(l).map(|i| l[i..].trim_end())).collect();
    found.sort();
    found
}

#[test]
fn the_example_parses() {
    let parsed = parse_valid(EXAMPLE);
    assert_eq!(parsed.file.items.len(), 14);
    assert_eq!(parsed.file.items[1].docs, ["3x3 (or 1x1) convolution, batch norm, ReLU; \"same\" padding."]);
    let ItemKind::Model(model) = &parsed.file.items[7].kind else { panic!("the model is item 7") };
    assert_eq!(model.params.len(), 8);
    assert!(matches!(&model.params[2].ty.kind, ParamTypeKind::List(element) if element.node == "int"));
    let head = parsed.sources.snippet(model.head);
    assert!(head.starts_with("model NPNet(") && head.ends_with("-> [classes, H, W]"), "{head}");
}

#[test]
fn every_other_form_parses() {
    parse_valid(REST);
}

#[test]
fn operators_bind_as_documented() {
    for (text, expected) in [
        ("0..5 - j", "(0..(5 - j))"),
        ("a ++ b |> f", "((a ++ b) |> f)"),
        ("x |> f |> g(1)", "((x |> f) |> g(1))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a - b - c", "((a - b) - c)"),
        ("a ++ b + c", "(a ++ (b + c))"),
        ("not a == b and c", "((not (a == b)) and c)"),
        ("a or b and c", "(a or (b and c))"),
        ("not not a", "(not (not a))"),
        ("-a * b", "((-a) * b)"),
        ("-n[i, 0..j]", "(-n[i, (0..j)])"),
        ("a == 1..2", "(a == (1..2))"),
        ("(a, b)", "tuple(a, b)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("f(k = 3, x)[0]", "f(k=3, x)[0]"),
        ("if a { 1 } else if b { 2 } else { 3 }", "if a 1 if b 2 3"),
        ("[x |> f(r) for r in 0..3]", "[(x |> f(r)) for r in (0..3)]"),
        ("[1_000, 1e-3, 0.5,]", "[1000, 0.001, 0.5]"),
        ("\"a \\\"b\\\" {c}\"", "\"a \\\"b\\\" {c}\""),
        ("train", "train"),
        ("se|cam", "unexpected `|`"),
        ("", "expected a value, found nothing"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn all_mistakes_are_reported_in_order() {
    let parsed = parse_text(
        "npc 1\nblok a(x: [c]) = x\nblock b(x: [c]) {\n  let y = x bn\n  let z = ;\n  return f(x\n}\n\
         block ok(x: [c]) = x\ndata d {\n  a = 1,\n  b 3\n}\n",
    );
    let lines: Vec<_> = parsed.messages().iter().map(|l| l.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["2", "4", "5", "7", "10"], "{:#?}", parsed.messages());
    assert_eq!(parsed.file.items.len(), 1);
    let broken: Vec<_> = parsed.file.broken.iter().map(|b| b.node.as_str()).collect();
    assert_eq!(broken, ["a", "b", "d"]);
}

#[test]
fn common_mistakes_get_help() {
    for (text, help) in [
        ("let y = x conv(3)", "a `|>` is missing"),
        ("let y = x |> conv (3)", "must touch"),
        ("let y = x;", "no semicolons"),
        ("let y = x.conv(3)", "no methods"),
        ("let y = conv(k: 3)", "a value is set with `=`"),
        ("let y x", "a `=` is missing"),
        ("require a = b", "write `==`"),
        ("let y = a && b", "write `and`"),
        ("let y = if a { b }", "needs an `else"),
        ("let for = 3", "cannot be a name"),
        ("let y = x |> f + 1", "parentheses"),
        ("let y = \"open", "close it with"),
        ("let y = 12x", "names start with a letter"),
    ] {
        let parsed = parse_block(&format!("{text}\nreturn x"));
        assert!(parsed.help().contains(help), "{text}: {:?} {:?}", parsed.messages(), parsed.help());
        assert_eq!(parsed.messages().len(), 1, "{text}: {:?}", parsed.messages());
    }
    let parsed = parse_block("let y = f(x, [1, 2)\nreturn y");
    assert!(parsed.problems.iter().any(|d| d.others.iter().any(|o| o.text.contains("opened here"))));
}

#[test]
fn the_edition_line_is_checked() {
    assert_eq!(parse_text("").messages(), ["1:1 E0103 the file does not start with an edition line"]);
    assert_eq!(parse_text("npc 2\nblok").messages(), ["1:1 E0102 this npc does not support edition 2"]);
    assert_eq!(
        parse_text("block f(x: [c]) = x").messages(),
        ["1:1 E0103 the file does not start with an edition line"]
    );
    assert_eq!(parse_text("npc one\nblock f(x: [c]) = x").file.items.len(), 1);
}

#[test]
fn extreme_nesting_is_refused() {
    let wrap = |open: &str, close: &str, n: usize| format!("{}x{}", open.repeat(n), close.repeat(n));
    for text in [
        wrap("(", ")", 10_000),
        wrap("[", "]", 10_000),
        wrap("f(", ")", 10_000),
        wrap("(", "", 10_000),
        wrap("-", "", 10_000),
        wrap("not ", "", 10_000),
        wrap("", "[0]", 10_000),
        wrap("if ", "", 10_000),
        format!("{}{{ c }}", "if a { b } else ".repeat(10_000)),
        wrap("match ", "", 10_000),
        wrap("match a { b => ", "}", 10_000),
        wrap("", " |> f", 10_000),
        vec!["x"; 100_000].join(" + "),
        wrap("x + (", ")", 5_000),
    ] {
        let parsed = parse_text(&format!("npc 1\nblock f(x: [c]) = {text}\n"));
        let codes: Vec<_> = parsed.problems.iter().map(|d| d.code).collect();
        assert_eq!(codes, [Code::E0104], "{:.40}", text);
    }
    parse_valid(&format!("npc 1\nblock f(x: [c]) = {}\n", wrap("(", ")", 64)));
    parse_valid(&format!("npc 1\nblock f(x: [c]) = {}\n", wrap("if a { f([", "]) } else { b }", 21)));
    parse_valid(&format!("npc 1\nblock f(x: [c]) = {}\n", vec!["x"; 200].join(" + ")));
}

#[test]
fn numbers_out_of_range_are_refused() {
    for text in ["99999999999999999999", "1e999"] {
        let codes: Vec<_> = parse_block(&format!("return f({text})")).problems.iter().map(|d| d.code).collect();
        assert_eq!(codes, [Code::E0105]);
    }
}

#[test]
fn unusual_characters() {
    parse_valid("\u{feff}npc 1\r\n// größe 图\r\nblock f(x: [c])\t= x |> f(\"größe 图\")\r\n");
    let parsed = parse_block("let y = größe\nreturn \u{a0}x");
    assert_eq!(
        parsed.messages(),
        [
            "3:11 E0101 `ö` (U+00F6) is not a valid character here",
            "4:8 E0101 the character U+00A0 is not a valid character here"
        ]
    );
}

#[test]
fn unreadable_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = SourceMap::new();
    let mut refused = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let problem = read(&Disk, &mut sources, &path).unwrap_err();
        assert_eq!(problem.code, Code::E0106);
        assert!(problem.message.contains(name), "{}", problem.message);
        problem.message
    };
    assert!(refused("missing.model", None).contains("No such file"));
    assert!(refused("latin1.model", Some(b"npc 1 // gr\xf6\xdfe")).contains("byte 11 is not UTF-8"));
    assert!(refused("large.model", Some(&vec![b' '; (4 << 20) + 1])).contains("4 MiB"));
}

#[test]
fn formatting_keeps_tree_and_comments() {
    for text in [EXAMPLE, REST] {
        let first = parse_valid(text);
        let printed = first.printed();
        let second = parse_valid(&printed);
        assert_eq!(shape(&first.file), shape(&second.file));
        assert_eq!(comments(text), comments(&printed));
        assert_eq!(second.printed(), printed);
        let code_width = |l: &str| l.find("//").map_or(l, |at| &l[..at]).trim_end().chars().count();
        assert!(printed.lines().all(|l| code_width(l) <= 100), "{printed}");
        // The layout of the source does not matter to the layout of the result.
        let squeezed: Vec<_> = text.lines().map(|l| l.trim().to_owned()).collect();
        assert_eq!(parse_valid(&squeezed.join("\n")).printed(), printed);
    }
}

#[test]
fn formatting_layout() {
    assert_snapshot!("it", "it__syntax__fmt_rest", parse_valid(REST).printed());
    assert_snapshot!("it", "it__syntax__fmt_example", parse_valid(EXAMPLE).printed());
}

/// Pieces of source, valid and invalid.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "npc 1\n",
        "\nblock ",
        "\nmodel ",
        "\ndata d {",
        "\ntrain t = N on d {",
        "\nexpect N {",
        "\nenum E {",
        "let ",
        "for ",
        "in ",
        "require ",
        "return ",
        "match ",
        "if ",
        "else ",
        "not ",
        "and ",
        "x",
        "f(",
        "y ",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "=",
        "==",
        "=>",
        "|>",
        "|",
        "->",
        "..",
        "++",
        "+",
        "-",
        "*",
        ":",
        ",",
        "?",
        "3",
        "1e-3",
        "\"s\"",
        "\"open",
        "// c\n",
        "/// d\n",
        "\n",
        " ",
        ";",
        "ö",
        "f(x: [c]) = ",
        "~=",
        "_",
    ];
    proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(pieces in proptest::collection::vec(piece(), 0..60)) {
        let text = format!("npc 1\n{}", pieces.concat());
        let parsed = parse_text(&text);
        for d in parsed.problems.iter() {
            let spans = d.primary.iter().chain(&d.others);
            prop_assert!(spans.clone().all(|l| text.get(l.span.range()).is_some()));
        }
        parsed.printed();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_survives_comments_anywhere(
        places in proptest::collection::vec(0usize..4000, 1..6),
        own in any::<bool>(),
    ) {
        // A comment may replace any blank except in comments, in strings and after an item's keyword.
        let mut text = EXAMPLE.to_owned();
        for place in places {
            let at = place % text.len();
            let Some(at) = text[at..].find(' ').map(|i| at + i) else { continue };
            let line = &text[text[..at].rfind('\n').map_or(0, |i| i + 1)..at];
            let first_word = !line.trim().contains(' ');
            if line.contains("//") || line.matches('"').count() % 2 == 1 || first_word {
                continue;
            }
            text.insert_str(at, if own { "\n// note\n" } else { " // note\n" });
        }
        let first = parse_valid(&text);
        let printed = first.printed();
        let second = parse_valid(&printed);
        prop_assert_eq!(shape(&first.file), shape(&second.file));
        prop_assert_eq!(comments(&text), comments(&printed));
        prop_assert_eq!(second.printed(), printed);
    }
}
