//! Rules on single words and patterns of a source file.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Returns every token of a text, with groups opened; comments and contents of strings are no tokens.
pub fn words(text: &str) -> Vec<String> {
    fn flatten(tokens: TokenStream, into: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => flatten(group.stream(), into),
                token => into.push(token.to_string()),
            }
        }
    }
    let mut found = Vec::new();
    flatten(text.parse().unwrap_or_else(|e| panic!("{e}: {text}")), &mut found);
    found
}

/// Macros of the standard library that panic when their output is closed.
pub fn uses_print_macro(text: &str) -> bool {
    let macros = ["print", "println", "eprint", "eprintln", "dbg"];
    words(text).windows(2).any(|pair| macros.contains(&pair[0].as_str()) && pair[1] == "!")
}

/// Counts the `match`es on operators that have a wildcard arm.
pub fn wildcards_over_operators(text: &str) -> usize {
    let mut reader = Matches { hidden: 0 };
    reader.visit_file(&syn::parse_file(text).unwrap_or_else(|e| panic!("{e}: {text}")));
    reader.hidden
}

struct Matches {
    hidden: usize,
}

impl<'ast> Visit<'ast> for Matches {
    fn visit_expr_match(&mut self, found: &'ast syn::ExprMatch) {
        let open = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(_));
        if found.arms.iter().any(|arm| names_operator(&arm.pat)) && found.arms.iter().any(open) {
            self.hidden += 1;
        }
        visit::visit_expr_match(self, found);
    }
}

/// Whether a pattern has a path `Op::...` at any depth.
fn names_operator(pattern: &syn::Pat) -> bool {
    struct Paths(bool);
    impl<'ast> Visit<'ast> for Paths {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            self.0 |= path.segments.len() > 1 && path.segments[0].ident == "Op";
        }
    }
    let mut paths = Paths(false);
    paths.visit_pat(pattern);
    paths.0
}
