//! Constants beside the builtin `path`. Evaluation normalises the call's path, so what it is compared
//! with must be in the same form, or `path.starts_with("./drafts/")` would never be true.

use faramesh_call::path::normalise;
use faramesh_program::image::{Constant, Root, Scalar};

use crate::stack::Operand;

/// Whether an operand is the normalised path of the call.
pub(crate) fn is_normalised(operand: &Operand) -> bool {
    match operand {
        Operand::Path(path) => path.root == Root::Path && path.steps.is_empty(),
        Operand::Lower(of) => is_normalised(of),
        _ => false,
    }
}

pub(crate) fn text_of(operand: &Operand) -> Option<&str> {
    match operand {
        Operand::Constant(Constant::Scalar(Scalar::String(text))) => Some(text),
        _ => None,
    }
}

pub(crate) fn constant(text: String) -> Operand {
    Operand::Constant(Constant::Scalar(Scalar::String(text)))
}

/// The operand with every text in the form of a normalised path.
pub(crate) fn normalised(operand: &Operand) -> Operand {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::String(text) => Scalar::String(normalise(text).into_owned()),
        other => other.clone(),
    };
    match operand {
        Operand::Constant(Constant::Scalar(value)) => Operand::Constant(Constant::Scalar(scalar(value))),
        Operand::Constant(Constant::List(values)) => {
            Operand::Constant(Constant::List(values.iter().map(scalar).collect()))
        }
        Operand::List(items) => Operand::List(items.iter().map(normalised).collect()),
        other => other.clone(),
    }
}

/// Whether a prefix means everything in the current folder.
pub(crate) fn is_current_folder(prefix: &str) -> bool {
    prefix.ends_with('/') && normalise(prefix) == "."
}

/// A prefix in the form of normalised paths. The empty one is that of every path.
pub(crate) fn prefix(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    // A prefix may end inside of a segment: `./.env` begins `.env` and `.environment`.
    let (folders, rest) = text.rsplit_once('/').map_or(("", text), |(folders, rest)| (folders, rest));
    if text.contains('/') && matches!(rest, "." | "..") {
        let folder = normalise(&format!("{folders}/")).into_owned();
        return if folder == "." { rest.to_owned() } else { format!("{folder}{rest}") };
    }
    normalise(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (text, expected) in [
            ("./drafts/", "drafts/"),
            ("./dra", "dra"),
            ("/srv//data/../x/", "/srv/x/"),
            ("", ""),
            ("/", "/"),
            ("../", "../"),
            (".", "."),
            ("./.env", ".env"),
            ("./a/.", "a/."),
            ("./..", ".."),
        ] {
            assert_eq!(prefix(text), expected, "{text}");
        }
        assert!(is_current_folder("./") && is_current_folder("a/../"));
        assert!(!is_current_folder(".") && !is_current_folder("./a/"));
    }
}
