//! The tree's tidiness as a test: file sizes, headers, and dependencies that only point down.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file in lines.
const MAX_LINES: usize = 600;
/// Lines that nine in ten files keep under.
const USUAL_LINES: usize = 400;

/// The level of each crate; a crate depends on lower levels only (ARCHITECTURE.md, "Levels").
const LEVELS: [(&str, u8); 10] = [
    ("pilothouse-domain", 0),
    ("pilothouse-testkit", 0),
    ("pilothouse-outbound", 1),
    ("pilothouse-store", 1),
    ("pilothouse-engine", 2),
    ("pilothouse-warehouse", 2),
    ("pilothouse-ai", 2),
    ("pilothouse-app", 3),
    ("pilothouse-api", 4),
    ("pilothouse", 5),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(folder: &Path, ends: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", "dist", "target"].contains(&name.as_str()) && !name.starts_with('.') {
            sources(&path, ends, found);
        } else if ends.iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
}

fn all(ends: &[&str]) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for folder in ["benches", "crates", "fuzz", "xtask", "web"] {
        sources(&repository().join(folder), ends, &mut paths);
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let silent: Vec<_> =
        all(&[".rs"]).into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "these files open without //!: {silent:#?}");
}

#[test]
fn source_files_are_small() {
    let files: Vec<_> =
        all(&[".rs", ".ts", ".tsx"]).into_iter().filter(|(path, _)| !path.ends_with("schema.d.ts")).collect();
    let lines = |text: &str| text.lines().count();
    let huge: Vec<_> = files.iter().filter(|(_, text)| lines(text) > MAX_LINES).map(|(path, _)| path).collect();
    assert!(huge.is_empty(), "these files have more than {MAX_LINES} lines: {huge:#?}");
    let long = files.iter().filter(|(_, text)| lines(text) > USUAL_LINES).count();
    assert!(long * 10 <= files.len(), "{long} of {} files have more than {USUAL_LINES} lines", files.len());
}

#[test]
fn dependencies_point_down() {
    let levels: BTreeMap<_, _> = LEVELS.into_iter().collect();
    let mut crates = 0;
    for entry in fs::read_dir(repository().join("crates")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap();
        let level = levels.get(name).unwrap_or_else(|| panic!("{name} has no level in {}", file!()));
        crates += 1;
        let Some(dependencies) = manifest.get("dependencies").and_then(|table| table.as_table()) else { continue };
        for dependency in dependencies.keys() {
            if let Some(lower) = levels.get(dependency.as_str()) {
                assert!(lower < level, "{name} (level {level}) depends on {dependency} (level {lower})");
            }
        }
    }
    assert_eq!(crates, LEVELS.len(), "a crate is missing from the list of levels");
}

/// The name of each type that the OpenAPI document describes; of two of one name it would show but one.
#[test]
fn described_types_have_names_of_their_own() {
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut paths = Vec::new();
    sources(&repository().join("crates/api/src"), &[".rs"], &mut paths);
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut described = false;
        for line in text.lines().map(str::trim) {
            let line = line.strip_prefix("pub ").or(line.strip_prefix("pub(super) ")).unwrap_or(line);
            described |= line.starts_with("#[derive(") && line.contains("ToSchema");
            let name = line.strip_prefix("struct ").or(line.strip_prefix("enum "));
            if let Some(name) = name.filter(|_| described) {
                described = false;
                let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
                let other = seen.insert(name.clone(), path.clone());
                assert!(other.is_none(), "{name} is in {} and in {other:?}", path.display());
            }
        }
    }
    assert!(seen.len() > 100, "{}", seen.len());
}

#[test]
fn nothing_is_left_for_later_in_silence() {
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore"), concat!("should", "_panic")];
    for (path, text) in all(&[".rs", ".ts", ".tsx", ".mjs"]) {
        for marker in markers {
            assert!(!text.contains(marker), "{} holds {marker}", path.display());
        }
    }
}
