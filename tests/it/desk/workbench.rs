//! Files, texts that replace them in memory, and the reports of the workbench on both.

use crate::support::repository::repository;
use npc::desk::{
    AnalysisRequest, ComparedAt, LintLevels, ModelDifference, Selection, Workbench, WorkbenchError, build_models,
    build_one, compared,
};
use npc::text::files::{Disk, Files, Overlay};
use npc::{Convention, count};
use std::io;
use std::path::Path;

const BLOCKS: &str = "npc 1\nblock two(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(out) |> relu\n";
const NET: &str = "npc 1\nimport \"lib/blocks.model\"\nmodel Net(x: [3, 32, 32]) -> [2, 32, 32] = x |> two(2)\n";

fn codes(bench: &Workbench, path: &str) -> Vec<String> {
    let analysis = bench.analyze(path, &AnalysisRequest::default()).unwrap();
    analysis
        .findings()
        .iter()
        .map(|f| format!("{} {}", f.code, f.place.as_ref().map_or("-".into(), |p| p.to_string())))
        .collect()
}

#[test]
fn texts_in_memory_import_each_other_without_a_file() {
    let mut bench = Workbench::new();
    bench.set_text("nowhere/net.model", NET);
    assert_eq!(codes(&bench, "nowhere/net.model")[0], "E0209 nowhere/net.model:2:8");
    bench.set_text("nowhere/lib/blocks.model", BLOCKS);
    let analysis = bench.analyze("nowhere/net.model", &AnalysisRequest::default()).unwrap();
    assert!(analysis.problems.is_empty(), "{:?}", analysis.findings());
    let (entry, costs) = &analysis.entries[0];
    assert_eq!((entry.checked.output().to_string().as_str(), costs.params), ("[2, 32, 32]", 3 * 2 * 9 + 2));
    bench.remove_text("nowhere/lib/blocks.model");
    assert_eq!(codes(&bench, "nowhere/net.model")[0], "E0209 nowhere/net.model:2:8");
}

#[test]
fn a_text_in_memory_hides_the_file_below_it_for_imports_too() {
    let path = repository("models/npnet.model");
    let mut bench = Workbench::new();
    let before = bench.analyze(&path, &AnalysisRequest::default()).unwrap();
    assert!(!before.problems.has_errors() && before.entries.len() > 1);
    bench.set_text(repository("models/data.model"), "npc 1\n");
    let after = bench.analyze(&path, &AnalysisRequest::default()).unwrap();
    assert!(after.problems.has_errors(), "the data blocks that the runs name are gone");
}

#[test]
fn unreadable_files_are_problems_and_no_failures() {
    let bench = Workbench::new();
    let analysis = bench.analyze("no/such.model", &AnalysisRequest::default()).unwrap();
    let findings = analysis.findings();
    assert_eq!((findings.len(), findings[0].code), (1, "E0106"));
    assert!(findings[0].place.is_none() && analysis.entries.is_empty());
    assert_eq!(analysis.sources.text(analysis.root), "");
}

#[test]
fn an_invalid_request_is_reported_with_its_place() {
    let mut bench = Workbench::new();
    bench.set_text("net.model", "npc 1\nmodel Net(x: [3, 32, 32], n: int = 2) -> [n, 32, 32] = x |> conv(n)\n");
    let with = |text: &str| {
        let selection = Selection { with: vec![text.to_string()], ..Selection::default() };
        bench.analyze("net.model", &AnalysisRequest { selection, ..AnalysisRequest::default() })
    };
    assert_eq!(with("n=5").unwrap().entries[0].0.checked.output().channels(), 5);
    let Err(WorkbenchError::InvalidRequest(report)) = with("n") else { panic!("`n` has no value") };
    let problems: Vec<_> = report.problems.iter().map(|d| (d.code.id(), d.message.as_str())).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(problems[0].0, "E0503");
    assert_eq!(problems[1], ("E0503", "the value of --with cannot be read"));
    // A value of the wrong type is a problem of the model.
    assert!(with("n=se").unwrap().problems.has_errors());
}

#[test]
fn edits_are_applied_to_the_text_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.model");
    let text = "npc 1\nmodel Net(x: [3, 32, 32]) -> [2, 32, 32] = x |> cov(2)\n";
    std::fs::write(&path, text).unwrap();
    let bench = Workbench::new();
    let request = AnalysisRequest::default();
    let fixed = bench.fix(&path, &request, false).unwrap();
    assert_eq!((fixed.fixed, fixed.text.as_str()), (1, text.replace("cov", "conv").as_str()));
    assert_eq!(fixed.original, text);
    assert!(fixed.left.problems.is_empty());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn findings_have_ends_labels_and_edits() {
    let mut bench = Workbench::new();
    bench.set_text("net.model", "npc 1\nmodel Net(x: [3, 32, 32]) -> [2, 32, 32] = x |> cov(2)\n");
    let analysis = bench.analyze("net.model", &AnalysisRequest::default()).unwrap();
    let [finding] = &analysis.findings()[..] else { panic!("one mistake") };
    let place = finding.place.as_ref().unwrap();
    assert_eq!((place.line, place.column, place.end_line, place.end_column), (2, 49, 2, 52));
    let (at, new) = &finding.fixes[0].edits[0];
    assert_eq!((at, new.as_str()), (place, "conv"));
}

/// A source of files that is neither the disk nor an overlay.
struct Archive;

impl Files for Archive {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("a/net.model") => Ok(NET.into()),
            Some("a/lib/blocks.model") => Ok(BLOCKS.into()),
            Some("a/large.model") => Ok(vec![b' '; (4 << 20) + 1]),
            Some("a/latin.model") => Ok(b"npc 1 // \xe4".to_vec()),
            _ => Err(io::Error::other("not in the archive")),
        }
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn files_may_come_from_any_source() {
    let bench = Workbench::over(Archive);
    let request = AnalysisRequest::default();
    assert_eq!(bench.analyze("a/net.model", &request).unwrap().entries.len(), 1);
    for (path, reason) in
        [("a/large.model", "larger than 4 MiB"), ("a/latin.model", "UTF-8"), ("b", "not in the archive")]
    {
        let analysis = bench.analyze(path, &request).unwrap();
        let findings = analysis.findings();
        assert!(findings[0].message.contains(reason), "{path}: {}", findings[0].message);
    }
}

#[test]
fn deep_files_fit_on_the_stack_of_any_thread() {
    let deep = format!(
        "npc 1\nmodel Net(x: [3, 32, 32], n: int = {}1{}) -> [n, 32, 32] = x |> conv(n)\n",
        "(".repeat(60),
        ")".repeat(60)
    );
    let work = move || {
        let mut bench = Workbench::new();
        bench.set_text("net.model", deep);
        bench.analyze("net.model", &AnalysisRequest::default()).unwrap().entries.len()
    };
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(work).unwrap();
    assert_eq!(thread.join().unwrap(), 1);
}

#[test]
fn models_are_chosen_by_name_size_and_data() {
    let path = repository("models/npnet.model");
    let models_of = |selection: &Selection| build_models(&Disk, &path, selection).map(|(models, _)| models);
    let model = Some("NPNet".to_string());
    let on = models_of(&Selection { model: model.clone(), on: vec!["cvc".into()], ..Selection::default() }).unwrap();
    let size = models_of(&Selection { model: model.clone(), size: vec![[288, 384]], ..Selection::default() }).unwrap();
    assert_eq!((on.len(), on[0].input()), (1, size[0].input()));
    let Err(WorkbenchError::Problems(found)) =
        models_of(&Selection { model: Some("NPNett".into()), ..Selection::default() })
    else {
        panic!("there is no such model")
    };
    let d = found.problems.iter().next().unwrap();
    assert_eq!((d.code.id(), d.help.first().map(String::as_str)), ("E0501", Some("did you mean `NPNet`?")));
}

#[test]
fn one_model_is_built_where_there_is_exactly_one() {
    let model = |name| format!("model {name}(x: [3, 32, 32]) -> [2, 32, 32] = x |> two(2)\n");
    let code_of = |text: String| {
        let mut files = Overlay::new(Disk);
        files.set("net.model", text);
        let built = build_one(&files, Path::new("net.model"), &Selection::default());
        built.map(|_| ()).map_err(|e| e.report().problems.iter().map(|d| d.code.id()).collect::<Vec<_>>())
    };
    assert_eq!(code_of(BLOCKS.to_string()), Err(vec!["E0501"]));
    assert_eq!(code_of(format!("{BLOCKS}{}", model("A"))), Ok(()));
    assert_eq!(code_of(format!("{BLOCKS}{}{}", model("A"), model("B"))), Err(vec!["E0503"]));
}

#[test]
fn two_models_differ_by_values() {
    let file = repository("models/npnet.model");
    let first = format!("{}:NPNet", file.display());
    let at = ComparedAt { on: Some("cvc"), ..ComparedAt::default() };
    let [a, b] = compared(&Disk, &first, "NPNet_Plain", &at).unwrap();
    let difference = ModelDifference::new(&a, &b);
    assert_eq!(difference.costs[0].params, count(&a.checked, Convention::Conv).params);
    assert_ne!(difference.costs[0].params, difference.costs[1].params);
    assert_eq!((a.label.as_str(), b.label.as_str()), ("NPNet", "NPNet_Plain"));
}

#[test]
fn unknown_sizes_and_lints_are_refused() {
    let mut bench = Workbench::new();
    bench.set_text("net.model", "npc 1\nmodel Net(x: [3, H, W]) -> [2, H, W] = x |> conv(2)\n");
    for size in [[0, 32], [32, 0], [0, 0], [(1 << 20) + 1, 32], [usize::MAX, usize::MAX]] {
        let selection = Selection { size: vec![size], ..Selection::default() };
        let request = AnalysisRequest { selection, ..AnalysisRequest::default() };
        let findings = bench.analyze("net.model", &request).unwrap().findings();
        assert_eq!(findings.iter().map(|f| f.code).collect::<Vec<_>>(), ["E0503"], "{size:?}");
    }
    let levels = LintLevels { allow: vec!["griding".into()], deny: Vec::new() };
    let Err(WorkbenchError::InvalidRequest(report)) =
        bench.analyze("net.model", &AnalysisRequest { levels, ..AnalysisRequest::default() })
    else {
        panic!("there is no such lint")
    };
    let messages: Vec<_> = report.problems.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["there is no lint `griding`; did you mean `gridding`?"]);
}

#[test]
fn many_missing_imports_are_reported_quickly_and_some_get_a_suggestion() {
    let mut bench = Workbench::new();
    let imports: String = (0..5000).map(|i| format!("import \"bloks{i}.model\"\n")).collect();
    bench.set_text("net.model", format!("npc 1\n{imports}"));
    (0..3000).for_each(|i| bench.set_text(format!("blocks{i}.model"), "npc 1\n"));
    let findings = bench.analyze("net.model", &AnalysisRequest::default()).unwrap().findings();
    assert!(findings.iter().any(|f| f.message.contains("more than 256 files")));
    assert_eq!(findings.iter().filter(|f| !f.fixes.is_empty()).count(), 20);
}

#[test]
fn models_in_memory_are_compared_by_name_and_by_file() {
    let mut files = Overlay::new(Disk);
    files.set("one.model", "npc 1\nmodel A(x: [3, 8, 8]) -> [2, 8, 8] = x |> conv(2)\nmodel B(x: [3, 8, 8]) -> [2, 8, 8] = x |> conv(2, k = 1)\n");
    files.set("other", "npc 1\nmodel C(x: [3, 8, 8]) -> [2, 8, 8] = x |> conv(2)\n");
    let at = ComparedAt::default();
    for (second, label) in [("B", "B"), ("other", "C"), ("one.model:B", "B")] {
        let [a, b] = compared(&files, "one.model", second, &at).unwrap();
        assert_eq!((a.label.as_str(), b.label.as_str()), ("A", label));
    }
}
