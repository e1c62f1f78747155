//! Every policy of the corpora, from spelling to spelling: the same program, the same comments, and a
//! canonical form that stays as it is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::path::{Path, PathBuf};

use faramesh_check::{Options, Unenforced, check_body};
use faramesh_spell::{Converted, Spelling, convert, means_the_same, read};

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "fms") {
            files.push(path);
        }
    }
}

/// Every source of the corpora that is well formed.
fn corpus() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus"), &mut files);
    files.sort();
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read_to_string(path).unwrap());
    let sources: Vec<_> = files.into_iter().map(read).collect();
    let sound: Vec<_> = sources.into_iter().filter(|(_, text)| !read_fms(text).has_errors()).collect();
    assert!(sound.len() > 35, "{}", sound.len());
    sound
}

fn read_fms(text: &str) -> faramesh_spell::Document {
    read(text, Spelling::Fms)
}

fn converted(name: &str, text: &str, from: Spelling, to: Spelling) -> Converted {
    convert(text, from, to).unwrap_or_else(|found| panic!("{name}: {from} to {to}\n{found:#?}\n{text}"))
}

/// Comments as people read them.
fn comments(text: &str, spelling: Spelling) -> Vec<String> {
    assert_ne!(spelling, Spelling::Json);
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(at) = line.find("# ") {
            found.push(line[at..].trim_end().to_owned());
        }
    }
    found.sort();
    found
}

/// The hash of the compiled program, if the policy compiles.
fn hash(text: &str, spelling: Spelling) -> Option<String> {
    let document = read(text, spelling);
    let environment = |_: &str| Some("value".to_owned());
    let options = options(&environment);
    let checked = check_body(text, &document.body, document.diagnostics, &options);
    let bytes = faramesh_compile::compile_to_bytes(&checked.stack?).unwrap();
    Some(faramesh_program::load(&bytes).unwrap().hash_text().to_owned())
}

fn options<'a>(environment: &'a dyn Fn(&str) -> Option<String>) -> Options<'a> {
    Options {
        dev: true,
        unenforced: Unenforced::Carry,
        ..Options::new("governance.fms".to_owned(), environment)
    }
}

/// Policies that are well formed and say something twice or in a wrong way, which only FPL can hold.
fn is_for_fpl_alone(text: &str) -> bool {
    let fault = "this policy cannot be converted without changing what it says";
    convert(text, Spelling::Fms, Spelling::Yaml)
        .is_err_and(|found| found.iter().all(|found| found.code.0 == 179 && found.message != fault))
}

#[test]
fn every_policy_comes_back_the_same() {
    let mut hashes = 0;
    let mut refused = 0;
    for (name, fms) in corpus() {
        if is_for_fpl_alone(&fms) {
            assert_eq!(hash(&fms, Spelling::Fms), None, "{name} compiles and cannot be converted");
            refused += 1;
            continue;
        }
        let yaml = converted(&name, &fms, Spelling::Fms, Spelling::Yaml).text;
        let json = converted(&name, &yaml, Spelling::Yaml, Spelling::Json).text;
        let again = converted(&name, &json, Spelling::Json, Spelling::Fms).text;
        for (text, spelling) in [(&yaml, Spelling::Yaml), (&json, Spelling::Json), (&again, Spelling::Fms)] {
            let document = read(text, spelling);
            assert!(means_the_same(&read_fms(&fms).body, &document.body), "{name} as {spelling}\n{text}");
            assert_eq!(hash(text, spelling), hash(&fms, Spelling::Fms), "{name} as {spelling}\n{text}");
            let canonical = converted(&name, text, spelling, spelling).text;
            assert_eq!(&canonical, text, "{name}: the canonical form of {spelling} is not stable");
        }
        hashes += usize::from(hash(&fms, Spelling::Fms).is_some());
    }
    assert!(hashes > 12, "{hashes} policies compile");
    assert!(refused < 30, "{refused} policies cannot be converted");
}

#[test]
fn no_comment_is_lost() {
    for (name, fms) in corpus() {
        if is_for_fpl_alone(&fms) {
            continue;
        }
        let count = read_fms(&fms).comments();
        let yaml = converted(&name, &fms, Spelling::Fms, Spelling::Yaml);
        let back = converted(&name, &yaml.text, Spelling::Yaml, Spelling::Fms);
        assert_eq!(
            comments(&yaml.text, Spelling::Yaml),
            comments(&fms, Spelling::Fms),
            "{name}\n{}",
            yaml.text
        );
        assert_eq!(
            comments(&back.text, Spelling::Fms),
            comments(&fms, Spelling::Fms),
            "{name}\n{}",
            back.text
        );
        assert_eq!((yaml.comments_left_out, back.comments_left_out), (0, 0));
        let json = converted(&name, &fms, Spelling::Fms, Spelling::Json);
        assert_eq!(json.comments_left_out, count, "{name}");
    }
}
