//! Every fix that is offered does what it says: the message is gone and no new error has come.

use faramesh_manual::{entries, page};
use faramesh_syntax::{Code, Diagnostic, Fix, Severity};

use crate::sources::{checked, files, place, policies};

/// Largest source that is mended here; the pages of limits have larger ones.
const SOURCE_BYTES: usize = 64 * 1024;

fn mended(source: &str, fix: &Fix) -> String {
    let (start, end) = (usize::try_from(fix.span.start).unwrap(), usize::try_from(fix.span.end).unwrap());
    format!("{}{}{}", &source[..start], fix.replacement, &source[end..])
}

fn count(found: &[Diagnostic], code: Code) -> usize {
    found.iter().filter(|found| found.code == code).count()
}

/// Whether a message is about the text itself, which is found before all else.
fn is_syntax(code: Code) -> bool {
    code.0 < 100
}

/// What is wrong with the fixes of a source; also counts them.
fn complaints(name: &str, source: &str, words: &str, fixes: &mut usize) -> Vec<String> {
    let before = checked(source, words).diagnostics;
    let mut complaints = Vec::new();
    for found in before.iter().filter(|found| found.fix.is_some()) {
        *fixes += 1;
        let fix = found.fix.as_ref().unwrap();
        let after = checked(&mended(source, fix), words).diagnostics;
        if count(&after, found.code) >= count(&before, found.code) {
            complaints
                .push(format!("{name}: `{}` does not remove {} ({})", fix.title, found.code, found.message));
        }
        // A statement that parses now may have mistakes of its own, which only then can be found.
        let hidden = |new: &Diagnostic| is_syntax(found.code) && !is_syntax(new.code);
        let errors = |list: &[Diagnostic]| {
            list.iter().filter(|found| found.severity == Severity::Error && !hidden(found)).count()
        };
        // A lone mistake leaves nothing behind; of several, mending one may show what it hid.
        let lone = errors(&before) == 1 && found.is_error();
        let allowed = if lone { 0 } else { errors(&before) };
        if errors(&after) > allowed {
            let told: Vec<&str> = after.iter().map(|found| found.message.as_str()).collect();
            complaints
                .push(format!("{name}: `{}` for {} brings new errors: {told:?}", fix.title, found.code));
        }
    }
    complaints
}

#[test]
fn every_fix_removes_its_message_and_brings_no_error() {
    let mut failures = Vec::new();
    let mut fixes = 0;
    for entry in entries() {
        for (words, source, _) in policies(page(entry.code).unwrap()) {
            if words.starts_with("hit") && source.len() <= SOURCE_BYTES {
                failures.extend(complaints(&entry.code.to_string(), &source, &words, &mut fixes));
            }
        }
    }
    for path in files(&place("tests/corpus/fpl/invalid"), "fms") {
        let source = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        failures.extend(complaints(&name, &source, "", &mut fixes));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(fixes > 100, "only {fixes} fixes");
}
