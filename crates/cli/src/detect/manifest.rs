//! The dependencies that a project declares, with the line that declares each.
//!
//! Reads requirements files, pyproject.toml (its own table, dependency groups, Poetry, PDM and uv), setup.cfg,
//! Pipfile and package.json. Lock files say nothing that these do not.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::toml;

/// The manifest of a Node project.
pub const PACKAGE_JSON: &str = "package.json";
const NODE_SECTIONS: &[&str] =
    &["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/// The format of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A requirement on each line.
    Requirements,
    /// TOML, by the Python packaging standards and by Poetry, PDM and uv.
    Pyproject,
    /// TOML, by Pipenv.
    Pipfile,
    /// The ini file of setuptools.
    SetupCfg,
    /// JSON, by npm.
    PackageJson,
}

/// One declared dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name, in lower case with `-` for `_` and `.` where Python is concerned.
    pub name: String,
    /// The constraint as written, where there is one.
    pub version: Option<String>,
    /// The manifest, relative to the project.
    pub manifest: PathBuf,
    /// The line, counted from 1.
    pub line: u32,
}

/// The format that a file of this name in this folder has.
pub fn kind(folder: &Path, name: &str) -> Option<Kind> {
    let lists_requirements = || {
        let stem = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".in"))?;
        let named = stem.starts_with("requirements") || stem.ends_with("requirements");
        (named || folder.file_name().is_some_and(|folder| folder == "requirements"))
            .then_some(Kind::Requirements)
    };
    match name {
        "pyproject.toml" => Some(Kind::Pyproject),
        "Pipfile" => Some(Kind::Pipfile),
        "setup.cfg" => Some(Kind::SetupCfg),
        PACKAGE_JSON => Some(Kind::PackageJson),
        _ => lists_requirements(),
    }
}

/// The dependencies in a manifest; the error is the warning to give.
pub fn read(kind: Kind, path: &Path, text: &str) -> Result<Vec<Dependency>, String> {
    let found = match kind {
        Kind::Requirements => requirements(text),
        Kind::Pyproject => toml::strings(text).iter().filter_map(pyproject).collect(),
        Kind::Pipfile => toml::strings(text).iter().filter_map(pipfile).collect(),
        Kind::SetupCfg => setup_cfg(text),
        Kind::PackageJson => {
            package_json(text).map_err(|reason| format!("cannot read `{}`: {reason}", path.display()))?
        }
    };
    let dependency = |(line, name, version)| Dependency { name, version, manifest: path.to_path_buf(), line };
    let mut dependencies: Vec<Dependency> = found.into_iter().map(dependency).collect();
    dependencies.dedup_by(|later, first| later.name == first.name && later.line == first.line);
    Ok(dependencies)
}

type Row = (u32, String, Option<String>);

fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1_u32..).zip(text.lines())
}

fn requirements(text: &str) -> Vec<Row> {
    numbered(text).filter_map(|(line, requirement)| python_requirement(line, requirement)).collect()
}

/// Reads `name[extra]>=1,<2; marker # comment`; options such as `-r` and bare URLs name no package.
fn python_requirement(line: u32, text: &str) -> Option<Row> {
    let text = text.split(" #").next().unwrap_or(text).trim();
    let belongs = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let end = text.find(|letter| !belongs(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if !name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        || rest.starts_with([':', '/', '+', '\\'])
    {
        return None;
    }
    let rest = rest.split(';').next().unwrap_or(rest).trim();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, after)| after).trim(),
        None => rest,
    };
    let version = rest.trim_end_matches('\\').split(" --hash").next().unwrap_or(rest).trim();
    Some((line, python_name(name), constraint(version)))
}

fn python_name(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn constraint(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['(', ')']);
    (!text.is_empty() && text != "*").then(|| text.to_owned())
}

fn pyproject(entry: &toml::Entry) -> Option<Row> {
    let table = entry.table.as_str();
    let listed = match table {
        "project" => entry.key == "dependencies",
        "project.optional-dependencies" | "dependency-groups" | "tool.pdm.dev-dependencies" => {
            !entry.key.contains('.')
        }
        "tool.uv" => entry.key == "dev-dependencies",
        _ => false,
    };
    if listed {
        return python_requirement(entry.line, &entry.value);
    }
    let poetry = table == "tool.poetry.dependencies"
        || table == "tool.poetry.dev-dependencies"
        || (table.starts_with("tool.poetry.group.") && table.ends_with(".dependencies"));
    if poetry { keyed(entry) } else { None }
}

fn pipfile(entry: &toml::Entry) -> Option<Row> {
    matches!(entry.table.as_str(), "packages" | "dev-packages").then(|| keyed(entry)).flatten()
}

/// A dependency whose name is the key, as in `name = "^1"` or `name = { version = "^1" }`.
fn keyed(entry: &toml::Entry) -> Option<Row> {
    let (name, version) = match entry.key.split_once('.') {
        Some((name, "version")) => (name, constraint(&entry.value)),
        Some((name, _)) => (name, None),
        None => (entry.key.as_str(), constraint(&entry.value)),
    };
    (name != "python" && !name.is_empty()).then(|| (entry.line, python_name(name), version))
}

fn setup_cfg(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut section = "";
    let mut inside = false;
    for (line, content) in numbered(text) {
        let trimmed = content.trim();
        if trimmed.starts_with('[') {
            section = trimmed.trim_matches(['[', ']']);
            inside = false;
        } else if content.starts_with(|letter: char| letter.is_whitespace()) {
            if inside && !trimmed.starts_with(['#', ';']) {
                rows.extend(python_requirement(line, trimmed));
            }
        } else if let Some((key, value)) = trimmed.split_once('=') {
            let required = section == "options" && key.trim() == "install_requires";
            inside = required || section == "options.extras_require";
            if inside {
                rows.extend(python_requirement(line, value));
            }
        }
    }
    rows
}

fn package_json(text: &str) -> Result<Vec<Row>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for section in NODE_SECTIONS {
        let Some(Value::Object(dependencies)) = value.get(section) else { continue };
        let heading = numbered(text).find(|(_, line)| has_key(line, section)).map_or(1, |(line, _)| line);
        for (name, version) in dependencies {
            let line = numbered(text).find(|(line, content)| *line >= heading && has_key(content, name));
            let line = line.map_or(heading, |(line, _)| line);
            rows.push((line, name.clone(), version.as_str().and_then(constraint)));
        }
    }
    Ok(rows)
}

fn has_key(line: &str, key: &str) -> bool {
    let quoted = format!("\"{key}\"");
    line.match_indices(&quoted).any(|(start, found)| {
        line.get(start + found.len()..).is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(file: &str, text: &str) -> Vec<String> {
        let found = read(kind(Path::new(""), file).unwrap(), Path::new(file), text).unwrap();
        found
            .iter()
            .map(|d| format!("{}:{} {}", d.line, d.name, d.version.as_deref().unwrap_or("-")))
            .collect()
    }

    #[test]
    fn requirements_are_known_by_their_name_or_folder() {
        for (folder, name, expected) in [
            ("", "requirements.txt", true),
            ("a", "requirements-dev.in", true),
            ("", "dev-requirements.txt", true),
            ("a/requirements", "base.txt", true),
            ("", "base.txt", false),
            ("requirements/b", "base.txt", false),
            ("", "requirements.md", false),
        ] {
            assert_eq!(kind(Path::new(folder), name).is_some(), expected, "{folder}/{name}");
        }
    }

    #[test]
    fn requirements_are_read_line_by_line() {
        let text = "# langgraph\n-r base.txt\nLangGraph[sqlite] >= 0.2 ; python_version > '3.9'  # why\n\
                    google_adk==1.0.0 --hash=sha256:ab\ngit+https://example.com/crewai.git\nmcp\n";
        assert_eq!(
            rows("requirements-dev.txt", text),
            ["3:langgraph >= 0.2", "4:google-adk ==1.0.0", "6:mcp -"]
        );
    }

    #[test]
    fn pyproject_in_every_dialect() {
        let text = "[project]\nname = \"langgraph\"\ndependencies = [\"crewai[tools]>=0.8,<1\"]\n\
                    [project.optional-dependencies]\nx = ['mcp~=1.2']\n[dependency-groups]\ndev = [\"ag2\", {include-group = \"x\"}]\n\
                    [tool.poetry.dependencies]\npython = \"^3.11\"\nlangchain = \"^0.3\"\nstrands-agents = {version = \"1.0\", extras = [\"a\"]}\n\
                    deepagents = {git = \"https://example.com\"}\n\
                    [tool.poetry.group.dev.dependencies]\nanthropic = \"*\"\n[tool.ruff]\nselect = [\"mcp\"]\n";
        assert_eq!(
            rows("pyproject.toml", text),
            [
                "3:crewai >=0.8,<1",
                "5:mcp ~=1.2",
                "7:ag2 -",
                "10:langchain ^0.3",
                "11:strands-agents 1.0",
                "12:deepagents -",
                "14:anthropic -"
            ]
        );
    }

    #[test]
    fn setup_cfg_and_pipfile() {
        let text = "[metadata]\nname = x\n[options]\ninstall_requires =\n    langgraph>=1\n    # mcp\npackages = find:\n\
                    [options.extras_require]\nall =\n    crewai\n";
        assert_eq!(rows("setup.cfg", text), ["5:langgraph >=1", "10:crewai -"]);
        let text = "[packages]\nopenai-agents = \"*\"\n[requires]\nmcp = \"1\"\n";
        assert_eq!(rows("Pipfile", text), ["2:openai-agents -"]);
    }

    #[test]
    fn package_json_gives_lines() {
        let text = "{\n  \"name\": \"langchain\",\n  \"scripts\": { \"deepagents\": \"x\" },\n  \"dependencies\": {\n    \
                    \"langchain\": \"^1.0.0\"\n  },\n  \"devDependencies\": { \"deepagents\": \"1\" }\n}\n";
        assert_eq!(rows("package.json", text), ["5:langchain ^1.0.0", "7:deepagents 1"]);
        assert!(
            read(Kind::PackageJson, Path::new("package.json"), "{").unwrap_err().contains("`package.json`")
        );
    }
}
