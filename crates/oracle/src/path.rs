//! File paths as text: lexical normalisation, the folder test, and prefixes beside the builtin `path`.

/// The path with its `.`, `..` and empty segments carried out: `./a/../../b` is `../b`. What stands
/// above the root is the root; a slash at the end stays; nothing at all is `.`.
#[must_use]
pub fn normalise(path: &str) -> String {
    let (root, rest) = match path.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", path),
    };
    let mut kept: Vec<&str> = Vec::new();
    for segment in rest.split('/') {
        if segment.is_empty() || segment == "." {
            continue;
        }
        if segment != ".." {
            kept.push(segment);
        } else if kept.last().is_some_and(|last| *last != "..") {
            kept.pop();
        } else if root.is_empty() {
            kept.push("..");
        }
    }
    if kept.is_empty() {
        return if root.is_empty() { ".".to_owned() } else { "/".to_owned() };
    }
    let slash = if rest.ends_with('/') { "/" } else { "" };
    format!("{root}{}{slash}", kept.join("/"))
}

/// Whether a path is a folder or lies below it. `None` when one of them has a NUL: where such a path
/// ends is for each program to say.
#[must_use]
pub fn within(path: &str, folder: &str) -> Option<bool> {
    if path.contains('\0') || folder.contains('\0') {
        return None;
    }
    if path.starts_with('/') != folder.starts_with('/') {
        return Some(false);
    }
    let ((climbs, path), (folder_climbs, folder)) = (climbs_and_names(path), climbs_and_names(folder));
    // All that is known of `..` is that it holds the current folder and what lies there.
    let inside = if folder.is_empty() { climbs <= folder_climbs } else { climbs == folder_climbs };
    Some(inside && path.starts_with(&folder))
}

/// How many `..` a path begins with once it is normalised, and the names after them.
fn climbs_and_names(path: &str) -> (usize, Vec<String>) {
    let normal = normalise(path);
    let segments = normal.split('/').filter(|part| !part.is_empty() && *part != ".");
    let (climbs, names): (Vec<&str>, Vec<&str>) = segments.partition(|part| *part == "..");
    (climbs.len(), names.into_iter().map(str::to_owned).collect())
}

/// Whether the builtin `path`, which is normalised, begins with a prefix as its author wrote it. The
/// folders of the prefix are normalised; its last part may end inside of a segment.
#[must_use]
pub fn begins(path: &str, prefix: &str) -> Option<bool> {
    if prefix.is_empty() {
        return Some(true);
    }
    let (folders, last) = match prefix.rfind('/').and_then(|slash| prefix.split_at_checked(slash + 1)) {
        Some((folders, last)) => (folders, last),
        None => ("", prefix),
    };
    let folders = if folders.is_empty() { ".".to_owned() } else { normalise(folders) };
    if folders != "." {
        return Some(path.starts_with(&format!("{folders}{last}")));
    }
    // `./` is everything in the current folder.
    if last.is_empty() { within(path, ".") } else { Some(path.starts_with(last)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_forms() {
        for (path, expected) in [
            ("./a/../../b", "../b"),
            ("a//b/./c/", "a/b/c/"),
            ("/a/../../b", "/b"),
            ("/..", "/"),
            ("", "."),
            ("a/..", "."),
            ("../..", "../.."),
            ("./drafts/", "drafts/"),
        ] {
            assert_eq!(normalise(path), expected, "{path}");
        }
    }

    #[test]
    fn folders() {
        for (path, folder, expected) in [
            ("./drafts/a.md", "./drafts", Some(true)),
            ("drafts", "drafts/", Some(true)),
            ("drafts/../secrets", "./drafts", Some(false)),
            ("drafts2/a", "drafts", Some(false)),
            ("/etc/passwd", "/", Some(true)),
            ("etc/passwd", "/", Some(false)),
            ("../a", ".", Some(false)),
            ("../../a", "..", Some(false)),
            ("../a", "..", Some(true)),
            ("a", "..", Some(true)),
            ("a", "../b", Some(false)),
            ("../..", "../../a", Some(false)),
            ("a\0", ".", None),
        ] {
            assert_eq!(within(path, folder), expected, "{path} in {folder}");
        }
    }

    #[test]
    fn prefixes() {
        for (path, prefix, expected) in [
            ("drafts/a", "./drafts/", true),
            ("drafts/a", "./dra", true),
            ("a", "./", true),
            ("../a", "./", false),
            ("../a", "../", true),
            ("..a", "./..", true),
            (".env", ".", true),
            ("/srv/x/y", "/srv//data/../x/", true),
            ("a", "", true),
        ] {
            assert_eq!(begins(path, prefix), Some(expected), "{path} begins {prefix}");
        }
    }
}
