//! Snapshots in the folder of their subject: `tests/<folder>/snapshots/<name>.snap`.

/// Compares a text with the snapshot of this name below `tests/<folder>/snapshots`. The name does not depend on the
/// module of the test, so that tests can move and their snapshots stay.
macro_rules! assert_snapshot {
    ($folder:literal, $name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/", $folder, "/snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}
