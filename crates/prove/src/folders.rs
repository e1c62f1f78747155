//! Normalised paths as regular languages: which texts are normalised, and which of those lie in a folder.
//! Paths in general are no regular language, because `..` undoes any number of segments.

use faramesh_call::path::normalise;

/// Texts that normalising leaves as they are.
pub(crate) const NORMALISED: &str = r"(?s)\A(?:\.|/|(?:\.\./)*(?:\.\./?|(?:[^/.]|\.[^/.]|\.\.[^/])[^/]*(?:/(?:[^/.]|\.[^/.]|\.\.[^/])[^/]*)*/?)|/(?:[^/.]|\.[^/.]|\.\.[^/])[^/]*(?:/(?:[^/.]|\.[^/.]|\.\.[^/])[^/]*)*/?)\z";

/// Normalised paths in a folder.
pub(crate) fn within(folder: &str) -> String {
    let folder = normalise(folder);
    match folder.trim_end_matches('/') {
        "" => r"(?s)\A/[^\x00]*\z".to_owned(),
        // All that is known of `.` and `..` is that they hold the current folder and what lies there.
        up if up == "." || up.split('/').all(|segment| segment == "..") => {
            let climbs = up.split('/').filter(|segment| *segment == "..").count();
            let name = r"(?:[^/.\x00]|\.[^/.\x00]|\.\.[^/\x00])[^\x00]*";
            let parents = match climbs.checked_sub(1) {
                Some(before) => format!(r"|(?:\.\./){{0,{before}}}\.\./?"),
                None => String::new(),
            };
            format!(r"(?s)\A(?:\.|(?:\.\./){{0,{climbs}}}{name}{parents})\z")
        }
        folder => format!(r"(?s)\A{}(?:/[^\x00]*)?\z", regex_syntax::escape(folder)),
    }
}
