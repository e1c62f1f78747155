//! Lexical normalisation of paths, so that a prefix test cannot be walked around with `..`.

use std::borrow::Cow;

/// The path without `.`, empty and resolvable `..` segments: `./a/../../b` is `../b`. The root of
/// an absolute path is its own parent. A trailing slash is kept; the empty path is `.`.
#[must_use]
pub fn normalise(path: &str) -> Cow<'_, str> {
    let absolute = path.starts_with('/');
    let body = if absolute { path.get(1..).unwrap_or_default() } else { path };
    let plain = body.is_empty() && absolute
        || (!body.is_empty() && body.split('/').all(|segment| !matches!(segment, "" | "." | "..")));
    if plain {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in body.split('/') {
        match segment {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if absolute => {}
            other => kept.push(other),
        }
    }
    let mut out = String::with_capacity(path.len());
    if absolute {
        out.push('/');
    }
    out.push_str(&kept.join("/"));
    if kept.is_empty() && !absolute {
        out.push('.');
    } else if !kept.is_empty() && body.ends_with('/') {
        out.push('/');
    }
    Cow::Owned(out)
}

/// Whether `path` is `folder` or lies below it, both lexically normalised. A relative path is
/// never within an absolute folder, nor the other way round.
#[must_use]
pub fn within(path: &str, folder: &str) -> bool {
    let (path, folder) = (normalise(path), normalise(folder));
    // Trimmed, the root itself no longer begins with a slash.
    if path.starts_with('/') != folder.starts_with('/') {
        return false;
    }
    let (path, folder) = (path.trim_end_matches('/'), folder.trim_end_matches('/'));
    if path.contains('\0') {
        return false;
    }
    // The root folder is empty now; every absolute path lies in it.
    if folder.is_empty() {
        return true;
    }
    // All that is known of `.` and `..` is that they hold the current folder and what lies there.
    if folder == "." || folder.split('/').all(|segment| segment == "..") {
        let climbs = |path: &str| path.split('/').take_while(|segment| *segment == "..").count();
        return climbs(path) <= climbs(folder);
    }
    match path.strip_prefix(folder) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised() {
        for (path, expected) in [
            ("a/b", "a/b"),
            ("./a/../../b", "../b"),
            ("./drafts/x", "drafts/x"),
            ("./drafts/", "drafts/"),
            ("a//b/./c/", "a/b/c/"),
            ("/a/../../b", "/b"),
            ("/", "/"),
            ("/..", "/"),
            ("", "."),
            (".", "."),
            ("./", "."),
            ("a/..", "."),
            ("../..", "../.."),
            ("a/../..", ".."),
        ] {
            assert_eq!(normalise(path), expected, "{path}");
            assert_eq!(normalise(&normalise(path)), expected, "twice {path}");
        }
    }

    #[test]
    fn inside_a_folder() {
        for (path, folder, expected) in [
            ("./drafts/a.md", "./drafts", true),
            ("drafts", "./drafts/", true),
            ("drafts/../secrets", "./drafts", false),
            ("drafts2/a", "./drafts", false),
            ("/drafts/a", "./drafts", false),
            ("/etc/passwd", "/", true),
            ("etc/passwd", "/", false),
            ("a", ".", true),
            ("../a", ".", false),
            ("/a", ".", false),
            ("/", ".", false),
            ("/", "/", true),
            ("a", "..", true),
            ("../a", "..", true),
            ("../../a", "..", false),
            ("../..", "../../a", false),
            ("/a", "..", false),
            ("drafts/\0", "./drafts", false),
        ] {
            assert_eq!(within(path, folder), expected, "{path} in {folder}");
        }
    }
}
