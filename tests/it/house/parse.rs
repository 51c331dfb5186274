//! Names that a source file uses: imports, paths in code, in macros and in serde's attributes. Code of tests is left
//! out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// A path of names: of a module from the root of the crate, or as in the source.
pub type Path = Vec<String>;

/// One name that a `use` line imports.
#[derive(Debug, Clone)]
pub struct Import {
    pub path: Path,
    /// Whether other modules can reach the name: `pub use`, `pub(crate) use`.
    pub public: bool,
}

/// A module and its contents: a file, or an inline module of a file.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// Index of the file among the sources.
    pub file: usize,
    pub imports: BTreeMap<String, Vec<Import>>,
    /// Imports with a `*`.
    pub globs: Vec<Import>,
    /// Names of the items defined here.
    pub items: BTreeSet<String>,
    /// Paths in the code, as written.
    pub named: BTreeSet<Path>,
}

/// Returns the modules of one file, by their paths.
pub fn modules(file: usize, path: &[String], text: &str) -> BTreeMap<Path, Module> {
    let syntax = syn::parse_file(text).unwrap_or_else(|e| panic!("{}: {e}", path.join("::")));
    let mut reader = Reader { file, path: path.to_vec(), modules: BTreeMap::new() };
    reader.here();
    reader.visit_file(&syntax);
    reader.modules
}

struct Reader {
    file: usize,
    /// The module that is being read.
    path: Path,
    modules: BTreeMap<Path, Module>,
}

impl Reader {
    fn here(&mut self) -> &mut Module {
        let file = self.file;
        self.modules.entry(self.path.clone()).or_insert_with(|| Module { file, ..Module::default() })
    }

    fn named(&mut self, path: Path) {
        self.here().named.insert(path);
    }

    fn import(&mut self, tree: &UseTree, mut path: Path, public: bool) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, public);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, path.clone(), public)),
            UseTree::Glob(_) => self.here().globs.push(Import { path, public }),
            UseTree::Name(name) if name.ident == "self" => {
                let name = path.last().expect("`self` is in braces").clone();
                self.imported(name, path, public);
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.imported(name.ident.to_string(), path, public);
            }
            UseTree::Rename(renamed) => {
                if renamed.ident != "self" {
                    path.push(renamed.ident.to_string());
                }
                self.imported(renamed.rename.to_string(), path, public);
            }
        }
    }

    fn imported(&mut self, name: String, path: Path, public: bool) {
        self.here().imports.entry(name).or_default().push(Import { path, public });
    }

    /// Collects the paths among the tokens of a macro. `outer` counts the modules that the macro opens around them: so
    /// many `super` stay in the file.
    fn tokens(&mut self, tokens: TokenStream, outer: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(_) => {
                    let (mut path, end) = path_at(&tokens, at);
                    let inner = path.iter().take(outer).take_while(|name| *name == "super").count();
                    path.drain(..inner);
                    if !path.is_empty() && !local(&path) {
                        self.named(path);
                    }
                    at = end;
                }
                TokenTree::Group(group) => {
                    let opened = group.delimiter() == Delimiter::Brace && names_module(&tokens[..at]);
                    self.tokens(group.stream(), outer + usize::from(opened));
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }
}

/// Returns `a::b::c` from the token at `at`, and the place after it.
fn path_at(tokens: &[TokenTree], mut at: usize) -> (Path, usize) {
    let colon = |t: Option<&TokenTree>| matches!(t, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    let mut path = vec![tokens[at].to_string()];
    at += 1;
    while colon(tokens.get(at))
        && colon(tokens.get(at + 1))
        && let Some(TokenTree::Ident(name)) = tokens.get(at + 2)
    {
        path.push(name.to_string());
        at += 3;
    }
    (path, at)
}

/// Whether the tokens end with `mod name` or `mod $name`.
fn names_module(before: &[TokenTree]) -> bool {
    let is_mod = |t: Option<&TokenTree>| matches!(t, Some(TokenTree::Ident(name)) if name == "mod");
    let dollar = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == '$');
    match before {
        [.., word, sign, TokenTree::Ident(_)] if dollar(sign) => is_mod(Some(word)),
        [.., word, TokenTree::Ident(_)] => is_mod(Some(word)),
        _ => false,
    }
}

/// A single word in lower case is a variable, a keyword or a function of the file itself.
fn local(path: &[String]) -> bool {
    path.len() == 1 && !path[0].starts_with(char::is_uppercase) && path[0] != "super"
}

pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|a| a.path().is_ident("cfg") && a.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test"))
}

/// Attributes of an item, and its name where it has one.
pub fn head(item: &Item) -> (&[Attribute], Option<String>) {
    match item {
        Item::Const(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Enum(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Fn(i) => (&i.attrs, Some(i.sig.ident.to_string())),
        Item::Impl(i) => (&i.attrs, None),
        Item::Macro(i) => (&i.attrs, i.ident.as_ref().map(ToString::to_string)),
        Item::Mod(i) => (&i.attrs, None),
        Item::Static(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Struct(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Trait(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Type(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Union(i) => (&i.attrs, Some(i.ident.to_string())),
        Item::Use(i) => (&i.attrs, None),
        _ => (&[], None),
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = head(item);
        if is_test(attributes) {
            return;
        }
        self.here().items.extend(name);
        match item {
            Item::Mod(inner) => {
                if let Some((_, items)) = &inner.content {
                    self.path.push(inner.ident.to_string());
                    self.here();
                    items.iter().for_each(|item| self.visit_item(item));
                    self.path.pop();
                }
            }
            Item::Use(line) if line.leading_colon.is_none() => {
                self.import(&line.tree, Path::new(), !matches!(line.vis, Visibility::Inherited));
            }
            // `use ::burn::tensor::Tensor;`
            Item::Use(line) => self.import(&line.tree, Path::new(), false),
            Item::ExternCrate(line) => self.named(vec![line.ident.to_string(), String::new()]),
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Path = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if !local(&names) {
            self.named(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func
            && let Some(name) = function.path.get_ident()
        {
            self.named(vec![name.to_string()]);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident() {
            self.named(vec![name.to_string()]);
        }
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone(), 0);
    }

    /// serde takes paths as texts: `#[serde(with = "cases::labels")]`.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta
            && list.path.is_ident("serde")
        {
            for token in list.tokens.clone() {
                let text = syn::parse_str::<syn::LitStr>(&token.to_string()).map(|literal| literal.value());
                if let Some(path) = text.ok().and_then(|text| syn::parse_str::<syn::Path>(&text).ok()) {
                    self.visit_path(&path);
                }
            }
        }
    }

    /// `pub(super)` uses nothing of `super`.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
