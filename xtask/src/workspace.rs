//! The dependency graph as the checks see it, read from `cargo metadata` or described by a test.
//!
//! Only what is linked counts: normal dependencies. Procedural macros run in the compiler and end a path, so
//! nothing behind them is reached. The graph is that of one fixed platform, so that every machine sees the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// One package of the graph.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The name on the registry or in Cargo.toml.
    pub name: String,
    /// For a workspace crate, its folder relative to the root, such as `crates/gate`.
    pub folder: Option<String>,
    /// Whether it runs in the compiler instead of being linked.
    pub is_macro: bool,
    /// The ids of the packages it is linked with.
    pub depends: BTreeSet<String>,
}

impl Package {
    /// What the edges call it: the folder's name for a workspace crate, else the package's.
    pub fn short_name(&self) -> &str {
        self.folder.as_deref().and_then(|folder| folder.rsplit('/').next()).unwrap_or(&self.name)
    }
}

/// Every package that the workspace's lock resolves to, by id.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// The packages by id.
    pub packages: BTreeMap<String, Package>,
}

impl Workspace {
    /// Reads the graph through cargo.
    pub fn read(root: &Path) -> Result<Self, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--filter-platform", PLATFORM])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cannot run `cargo metadata`: {error}"))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("`cargo metadata` failed:\n{reason}"));
        }
        let metadata = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("cannot read what `cargo metadata` printed: {error}"))?;
        Self::from_metadata(&metadata).ok_or_else(|| "`cargo metadata` printed an unknown shape".to_owned())
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let root = metadata.get("workspace_root")?.as_str()?;
        let members: BTreeSet<&str> =
            metadata.get("workspace_members")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let mut packages = BTreeMap::new();
        for entry in metadata.get("packages")?.as_array()? {
            let id = entry.get("id")?.as_str()?;
            let manifest = entry.get("manifest_path")?.as_str()?;
            let folder = members.contains(id).then(|| folder_of(root, manifest)).flatten();
            let package = Package {
                name: entry.get("name")?.as_str()?.to_owned(),
                folder,
                is_macro: is_macro(entry),
                depends: BTreeSet::new(),
            };
            packages.insert(id.to_owned(), package);
        }
        for node in metadata.get("resolve")?.get("nodes")?.as_array()? {
            let package = packages.get_mut(node.get("id")?.as_str()?)?;
            for dependency in node.get("deps")?.as_array()? {
                if is_linked(dependency) {
                    package.depends.insert(dependency.get("pkg")?.as_str()?.to_owned());
                }
            }
        }
        Some(Self { packages })
    }

    /// The workspace's own crates: id and package.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages
            .iter()
            .filter(|(_, package)| package.folder.is_some())
            .map(|(id, package)| (id.as_str(), package))
    }

    /// Everything linked into a package, each with the path of ids that leads there (the package itself excluded).
    pub fn reach(&self, from: &str) -> BTreeMap<&str, Vec<&str>> {
        let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut queue = VecDeque::new();
        if let Some((id, _)) = self.packages.get_key_value(from) {
            queue.push_back((id.as_str(), vec![id.as_str()]));
        }
        while let Some((id, path)) = queue.pop_front() {
            let Some(package) = self.packages.get(id) else { continue };
            for next in &package.depends {
                let linked = self.packages.get(next).is_some_and(|found| !found.is_macro);
                if !linked || next == from || paths.contains_key(next.as_str()) {
                    continue;
                }
                let mut longer = path.clone();
                longer.push(next);
                paths.insert(next, longer.clone());
                queue.push_back((next, longer));
            }
        }
        paths
    }

    /// A path of ids in the short names people use.
    pub fn spell(&self, path: &[&str]) -> String {
        let names = path.iter().map(|id| self.packages.get(*id).map_or(*id, Package::short_name));
        names.collect::<Vec<_>>().join(" -> ")
    }
}

fn folder_of(root: &str, manifest: &str) -> Option<String> {
    let relative = Path::new(manifest).parent()?.strip_prefix(root).ok()?;
    Some(relative.to_str()?.replace('\\', "/"))
}

fn is_macro(package: &Value) -> bool {
    let targets = package.get("targets").and_then(Value::as_array);
    targets.into_iter().flatten().any(|target| {
        let kinds = target.get("kind").and_then(Value::as_array);
        kinds.into_iter().flatten().any(|kind| kind == "proc-macro")
    })
}

fn is_linked(dependency: &Value) -> bool {
    let kinds = dependency.get("dep_kinds").and_then(Value::as_array);
    kinds.into_iter().flatten().any(|kind| kind.get("kind").is_some_and(Value::is_null))
}

#[cfg(test)]
impl Workspace {
    /// A graph as a test describes it: workspace crates are named by folder, others by name.
    pub fn sample(lines: &[(&str, &[&str])]) -> Self {
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        for (id, depends) in lines {
            for id in depends.iter().chain([id]) {
                let folder = id.contains('/').then(|| (*id).to_owned());
                let name = (*id).to_owned();
                packages.entry(name.clone()).or_insert(Package { name, folder, ..Package::default() });
            }
            if let Some(package) = packages.get_mut(*id) {
                package.depends = depends.iter().map(|name| (*name).to_owned()).collect();
            }
        }
        Self { packages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_keeps_linked_edges_only() {
        let metadata = serde_json::json!({
            "workspace_root": "/tree",
            "workspace_members": ["a"],
            "packages": [
                {"id": "a", "name": "faramesh-a", "manifest_path": "/tree/crates/a/Cargo.toml", "targets": [{"kind": ["lib"]}]},
                {"id": "b", "name": "b", "manifest_path": "/registry/b/Cargo.toml", "targets": [{"kind": ["lib"]}]},
                {"id": "m", "name": "m", "manifest_path": "/registry/m/Cargo.toml", "targets": [{"kind": ["proc-macro"]}]},
                {"id": "t", "name": "t", "manifest_path": "/registry/t/Cargo.toml", "targets": []},
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [
                    {"pkg": "b", "dep_kinds": [{"kind": null}]},
                    {"pkg": "m", "dep_kinds": [{"kind": null}]},
                    {"pkg": "t", "dep_kinds": [{"kind": "dev"}, {"kind": "build"}]},
                ]},
                {"id": "m", "deps": [{"pkg": "t", "dep_kinds": [{"kind": null}]}]},
            ]},
        });
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        assert_eq!(workspace.packages["a"].folder.as_deref(), Some("crates/a"));
        assert_eq!(workspace.packages["a"].short_name(), "a");
        let reach = workspace.reach("a");
        assert_eq!(
            reach.keys().copied().collect::<Vec<_>>(),
            ["b"],
            "macros and what they use are not linked"
        );
    }

    #[test]
    fn reach_survives_a_cycle_and_tells_the_shortest_path() {
        let workspace =
            Workspace::sample(&[("crates/a", &["x", "y"]), ("x", &["y"]), ("y", &["z", "crates/a"])]);
        let reach = workspace.reach("crates/a");
        assert_eq!(workspace.spell(&reach["z"]), "a -> y -> z");
    }
}
