//! The header of a test file: comment lines `// key: value` above its first declaration.
//!
//! | key | value | default |
//! |---|---|---|
//! | `size` | height and width of the image, `64x96`, or `fixed` for models that fix their own | `64x64` |
//! | `expects` | codes of the problems, `W0404 W0407`; a reason may follow in parentheses | no problems |
//! | `args` | arguments of `npc`; `FILE` is the file. Options alone are those of `npc check FILE` | `--size 64x64` |
//! | `exits` | exit code of the command | 1 with errors, else 0 |
//! | `run` | a step before the command, in a copy of the fixture's folder: `npc ...`, `git ...`, `rm`, `cp`, `mv`, `truncate` or `lock` | none |
//! | `better` | description of a better message; for `tests/poor_messages` | none |
//! | `needs` | features of the build that the command needs: `data`, `run`, `no-cuda` | none |
//!
//! Header lines come before any prose. A misspelled key, a key that the folder does not use and a key in another place of
//! the file are errors.

/// Every key. The documentation above explains each.
const KEYS: &[&str] = &["size", "expects", "args", "exits", "run", "better", "needs"];
/// Side of the image in pixels if the header names no size.
const SIDE: usize = 64;

/// The contents of the header of a test file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Height and width of the image; `None` for `fixed`.
    pub size: Option<[usize; 2]>,
    /// Codes in the order of the file.
    pub expects: Vec<String>,
    pub args: Option<Vec<String>>,
    pub exits: Option<i32>,
    /// Words of each step, in order.
    pub run: Vec<Vec<String>>,
    pub better: Option<String>,
    pub needs: Vec<String>,
}

impl Default for Header {
    fn default() -> Self {
        let size = Some([SIDE, SIDE]);
        let (expects, run, needs) = (Vec::new(), Vec::new(), Vec::new());
        Self { size, expects, args: None, exits: None, run, better: None, needs }
    }
}

/// Returns the size in the header of a model text.
///
/// Panics if the header has an error; so does [`Header::read`].
pub fn size_of(text: &str) -> Option<[usize; 2]> {
    Header::read("test.model", text, &["size", "expects"]).size
}

impl Header {
    /// Reads the header of a text. `file` names it in messages, `allowed` are the keys that its folder uses.
    pub fn read(file: &str, text: &str, allowed: &[&str]) -> Self {
        Self::parse(text, allowed).unwrap_or_else(|(line, message)| panic!("{file}:{line}: {message}"))
    }

    /// Errors: the line, counted from 1, and what is wrong there.
    pub fn parse(text: &str, allowed: &[&str]) -> Result<Self, (usize, String)> {
        let mut header = Self::default();
        let mut seen = Vec::new();
        let mut open = true;
        for (i, line) in text.lines().enumerate() {
            match entry(line) {
                Some((key, value)) if open => {
                    header.set(key, value, allowed, &seen).map_err(|message| (i + 1, message))?;
                    seen.push(key);
                }
                Some((key, _)) if KEYS.contains(&key) => {
                    return Err((i + 1, format!("`// {key}:` is below prose or declarations; move it to the top")));
                }
                _ => open &= line.is_empty() || line.starts_with("npc "),
            }
        }
        Ok(header)
    }

    fn set(&mut self, key: &str, value: &str, allowed: &[&str], seen: &[&str]) -> Result<(), String> {
        if !KEYS.contains(&key) {
            return Err(format!("unknown key `{key}`; a header line begins with one of {}", KEYS.join(", ")));
        }
        if !allowed.contains(&key) {
            return Err(format!("`{key}` has no effect in this folder; it uses {}", allowed.join(", ")));
        }
        if seen.contains(&key) && key != "run" {
            return Err(format!("`{key}` is given twice"));
        }
        if value.is_empty() {
            return Err(format!("`{key}` has no value"));
        }
        match key {
            "size" => self.size = size(value)?,
            "expects" => self.expects = codes(value)?,
            "args" => self.args = Some(words(value)),
            "exits" => self.exits = Some(value.parse().map_err(|_| format!("`{value}` is not an exit code"))?),
            "run" => self.run.push(words(value)),
            "better" => self.better = Some(value.to_string()),
            _ => self.needs = needs(value)?,
        }
        Ok(())
    }
}

/// Key and value of a comment `// key: value`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix("// ")?.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase());
    is_key.then_some((key, value.trim()))
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_string).collect()
}

fn size(value: &str) -> Result<Option<[usize; 2]>, String> {
    if value == "fixed" {
        return Ok(None);
    }
    let sides = value.split_once('x').and_then(|(h, w)| Some([h.parse().ok()?, w.parse().ok()?]));
    sides.map(Some).ok_or_else(|| format!("`{value}` is not a size such as 64x96, nor `fixed`"))
}

fn codes(value: &str) -> Result<Vec<String>, String> {
    let codes = words(value.split('(').next().unwrap_or_default());
    let unknown = |code: &&String| !npc::text::diag::Code::ALL.iter().any(|c| c.id() == **code);
    match codes.iter().find(unknown) {
        Some(code) => Err(format!("`{code}` is not a code of npc")),
        None => Ok(codes),
    }
}

fn needs(value: &str) -> Result<Vec<String>, String> {
    let features = words(value);
    match features.iter().find(|name| !["data", "run", "no-cuda"].contains(&name.as_str())) {
        Some(name) => Err(format!("`{name}` is not a feature that a test file can need: data, run, no-cuda")),
        None => Ok(features),
    }
}

#[test]
fn a_header_is_read_to_its_last_line() {
    let text =
        "npc 1\n\n// size: 8x12\n// expects: W0404 W0407 (as published)\n// run: npc train FILE\n// run: rm a\n\nmodel";
    let header = Header::parse(text, KEYS).unwrap();
    assert_eq!((header.size, header.expects.join(" ").as_str()), (Some([8, 12]), "W0404 W0407"));
    assert_eq!(header.run, [words("npc train FILE"), words("rm a")]);
    assert_eq!(Header::parse("npc 1\n// size: fixed\n", KEYS).unwrap().size, None);
    assert_eq!(Header::parse("npc 1\n// A network: small.\n// them: no key.\n", KEYS), Ok(Header::default()));
}

#[test]
fn mistakes_in_a_header_are_refused_with_their_line() {
    for (line, text, message) in [
        (2, "npc 1\n// expect: W0404\n", "unknown key `expect`; a header line begins with one of size, expects"),
        (3, "npc 1\n// A network.\n// expects: W0404\n", "is below prose"),
        (4, "npc 1\n\nmodel M\n// size: 8x8\n", "is below prose"),
        (1, "// expects: W9999\n", "`W9999` is not a code of npc"),
        (1, "// size: 8\n", "`8` is not a size"),
        (2, "// size: 8x8\n// size: 9x9\n", "given twice"),
        (1, "// needs: cuda\n", "`cuda` is not a feature"),
        (1, "// args:\n", "`args` has no value"),
    ] {
        let (found_line, found_message) = Header::parse(text, KEYS).unwrap_err();
        let found = format!("{text}: {found_line}: {found_message}");
        assert!(found_line == line && found_message.contains(message), "{found}");
    }
    assert!(Header::parse("// args: --on a\n", &["size"]).unwrap_err().1.contains("no effect in this folder"));
}
