//! Finds circles among the files of a module: files that import each other, on whatever way round.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use crate::paths::{module_path, paths_of};

/// Files of which each imports every other, directly or through others of them.
pub(crate) struct Circle {
    /// The files, in the order of their names.
    pub(crate) files: Vec<String>,
    imports: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.join(", ");
        write!(formatter, "a circle of {} files: {files}", self.files.len())?;
        self.imports
            .iter()
            .try_for_each(|import| write!(formatter, "\n  {import}"))
    }
}

struct File<'a> {
    name: String,
    module: Vec<String>,
    source: &'a str,
}

struct Import {
    from: usize,
    to: usize,
    line: usize,
    path: String,
}

/// The circles among the files of `module`, which may be a path such as `api::status`; `files` are those below the folder
/// of the crate's sources.
///
/// A file imports another when a path in it leads to an item of the other's module: in a `use`, in an expression, through
/// an import of a module (`gate::open` after `use crate::plan::gate`). An item that a module passes on with `pub use`
/// counts as one of that module. Tests, in files and inline modules of that name, are left out, and so are calls of
/// methods, which name no file.
///
/// The root of a module imports every child that it declares, whether or not it uses it. A child that uses an item of a
/// module around it makes a circle therefore: what the files of a module share stands in a leaf beside them, so that the
/// root imports the children and no child imports the root.
pub(crate) fn circles_of(module: &str, files: &[(PathBuf, String)]) -> Vec<Circle> {
    let root: Vec<&str> = module.split("::").collect();
    let files: Vec<File<'_>> = files
        .iter()
        .map(|(file, source)| File {
            name: file.display().to_string(),
            module: module_path(file),
            source,
        })
        .filter(|file| file.module.len() >= root.len() && file.module.iter().zip(&root).all(|(own, root)| own == root))
        .filter(|file| !file.module.iter().any(|part| part == "tests"))
        .collect();
    assert!(!files.is_empty(), "there is no module {module}");
    let imports = imports_between(&files);
    let reached: Vec<BTreeSet<usize>> = (0..files.len()).map(|file| reached_from(file, &imports)).collect();
    let mut circles = Vec::new();
    let mut seen = BTreeSet::new();
    for file in 0..files.len() {
        let circle: BTreeSet<usize> = reached[file]
            .iter()
            .copied()
            .filter(|other| reached[*other].contains(&file))
            .collect();
        if circle.len() > 1 && seen.insert(circle.clone()) {
            circles.push(describe(&circle, &files, &imports));
        }
    }
    circles
}

/// Every import of one of the files by another, once for each pair of them.
fn imports_between(files: &[File<'_>]) -> Vec<Import> {
    let mut imports: Vec<Import> = Vec::new();
    for (from, file) in files.iter().enumerate() {
        for (to, line, path) in imports_of(file, files) {
            let known = |import: &Import| import.from == from && import.to == to;
            if to != from && !imports.iter().any(known) {
                imports.push(Import { from, to, line, path });
            }
        }
    }
    imports
}

/// What one file imports: the file, the line and how it is written.
fn imports_of(file: &File<'_>, files: &[File<'_>]) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut names: Vec<(String, Vec<String>)> = Vec::new();
    let is_module = |path: &[String]| files.iter().any(|file| file.module == path);
    let all = paths_of(file.source);
    for used in all.iter().filter(|used| !used.is_of_tests()) {
        let first = &used.segments[0];
        let child = [file.module.as_slice(), &used.segments].concat();
        let path = used.path_in_crate(&file.module).unwrap_or_else(|| {
            let imported = names.iter().find(|(name, _)| name == first);
            imported.map_or(child, |(_, module)| [module, &used.segments[1..]].concat())
        });
        if is_module(&path)
            && let Some(name) = used.alias.as_ref().or(path.last())
        {
            names.push((name.clone(), path.clone()));
        }
        let longest = files
            .iter()
            .enumerate()
            .filter(|(_, other)| path.starts_with(&other.module))
            .max_by_key(|(_, other)| other.module.len());
        found.extend(longest.map(|(to, _)| (to, used.line, used.segments.join("::"))));
    }
    found
}

/// Every file that is imported from `file` on, and the files that those import, and so on.
fn reached_from(file: usize, imports: &[Import]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(from) = next.pop() {
        let found = imports
            .iter()
            .filter(|import| import.from == from)
            .map(|import| import.to);
        next.extend(found.filter(|to| reached.insert(*to)));
    }
    reached
}

fn describe(circle: &BTreeSet<usize>, files: &[File<'_>], imports: &[Import]) -> Circle {
    let inside = imports
        .iter()
        .filter(|import| circle.contains(&import.from) && circle.contains(&import.to));
    Circle {
        files: circle.iter().map(|file| files[*file].name.clone()).collect(),
        imports: inside
            .map(|import| {
                let (from, to) = (&files[import.from].name, &files[import.to].name);
                format!("{from}:{} imports {to}: {}", import.line, import.path)
            })
            .collect(),
    }
}

mod tests {
    use std::path::PathBuf;

    use super::circles_of;

    /// The circles of a module `plan` of these files.
    fn planted_circles(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(PathBuf, String)> = files
            .iter()
            .map(|(file, source)| (PathBuf::from(file), (*source).to_owned()))
            .collect();
        circles_of("plan", &files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_planted_circle_is_found_with_its_files_and_imports() {
        let found = planted_circles(&[
            ("plan.rs", "mod a; mod b; mod c; mod leaf;"),
            ("plan/a.rs", "use crate::plan::{b, leaf::Leaf};\nfn f() { b::f() }"),
            ("plan/b.rs", "// use super::a;\nuse super::c::C;"),
            ("plan/c.rs", "fn f() { crate::plan::a::f() }"),
            ("plan/leaf.rs", "use crate::world::World; pub(super) struct Leaf;"),
        ]);
        assert_eq!(
            found,
            ["a circle of 3 files: plan/a.rs, plan/b.rs, plan/c.rs\n  \
              plan/a.rs:1 imports plan/b.rs: crate::plan::b\n  \
              plan/b.rs:2 imports plan/c.rs: super::c::C\n  \
              plan/c.rs:1 imports plan/a.rs: crate::plan::a::f"]
        );
    }

    #[test]
    fn every_way_to_close_a_circle_is_found() {
        let planted: [&[(&str, &str)]; 9] = [
            &[("plan.rs", "mod a; struct Desk;"), ("plan/a.rs", "use super::Desk;")],
            &[("plan.rs", "mod a;"), ("plan/a.rs", "use crate::plan::*;")],
            &[
                ("plan.rs", "mod a;"),
                ("plan/a.rs", "mod inner { use super::super::Desk; }"),
            ],
            &[
                ("plan.rs", "pub mod a;"),
                ("plan/a.rs", "use super::{self as root, X};"),
            ],
            &[
                ("plan.rs", ""),
                ("plan/a.rs", "use super::b::{self, B};"),
                ("plan/b.rs", "use super::a;"),
            ],
            &[
                ("plan/a.rs", "use super::b;"),
                ("plan/b.rs", "mod c;"),
                ("plan/b/c.rs", "use crate::plan::a::A;"),
            ],
            &[
                ("plan/a.rs", "use super::b; fn f() { b::c::f() }"),
                ("plan/b.rs", ""),
                ("plan/b/c.rs", "use super::super::a;"),
            ],
            &[
                ("plan/a.rs", "use super::b as d; fn f() { d::c::f() }"),
                ("plan/b.rs", ""),
                ("plan/b/c.rs", "use crate::plan::a;"),
            ],
            &[
                ("plan/a.rs", "fn f() { self::c::f() }"),
                ("plan/a/c.rs", "use super::A;"),
            ],
        ];
        for files in planted {
            let found = planted_circles(files);
            assert_eq!(found.len(), 1, "{files:?}: {found:?}");
        }
    }

    #[test]
    fn what_makes_no_circle_is_let_through() {
        let allowed: [&[(&str, &str)]; 5] = [
            &[
                ("plan.rs", "mod a; mod b; mod leaf; use a::A; pub use leaf::Desk;"),
                ("plan/a.rs", "use super::b; use super::leaf::Desk;"),
                (
                    "plan/b.rs",
                    "use crate::plan::leaf::Desk; pub(in crate::plan) fn f() {} pub(super) fn g() {}",
                ),
                ("plan/leaf.rs", "use crate::world::plan; use crate::plan::leaf::Self_;"),
            ],
            &[
                ("plan.rs", "mod a;"),
                ("plan/a.rs", "mod tests { use super::super::Desk; use super::*; }"),
            ],
            &[
                ("plan.rs", "mod a; mod tests;"),
                ("plan/tests.rs", "use super::Desk;"),
                ("plan/a.rs", ""),
            ],
            &[
                ("plan/a.rs", "use crate::world::B;"),
                ("world.rs", "use crate::plan::a::A;"),
            ],
            &[
                ("plan/a.rs", "use super::b::B;"),
                ("plan/b.rs", "fn f(a: u8) -> u8 { a }"),
            ],
        ];
        for files in allowed {
            let found = planted_circles(files);
            assert!(found.is_empty(), "{files:?}: {found:?}");
        }
    }
}
