//! The agent frameworks that Faramesh knows, and the dependencies that prove each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::FoundFramework;
use super::manifest::{Dependency, PACKAGE_JSON};

/// An agent framework, or the model SDK or protocol that an agent is built on directly.
///
/// In order of how much a name says: an earlier one is the better answer when two are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Framework {
    /// Deep Agents, on top of LangGraph.
    DeepAgents,
    /// LangGraph.
    LangGraph,
    /// CrewAI.
    CrewAI,
    /// AG2, which goes on from the first AutoGen.
    Ag2,
    /// AutoGen since its version 0.4.
    AutoGen,
    /// Google's Agent Development Kit.
    GoogleAdk,
    /// The OpenAI Agents SDK.
    OpenAiAgents,
    /// Strands Agents.
    Strands,
    /// Pydantic AI.
    PydanticAi,
    /// LlamaIndex.
    LlamaIndex,
    /// Mastra.
    Mastra,
    /// LangChain.
    LangChain,
    /// The AI SDK of Vercel.
    AiSdk,
    /// Amazon Bedrock, through its own SDK.
    Bedrock,
    /// The Anthropic SDK.
    AnthropicSdk,
    /// A Model Context Protocol server or client.
    Mcp,
}

/// What a framework is called and which packages prove it; a name that ends in `*` is a prefix.
struct Evidence {
    framework: Framework,
    display: &'static str,
    profile: &'static str,
    python: &'static [&'static str],
    node: &'static [&'static str],
}

const TABLE: &[Evidence] = &[
    Evidence {
        framework: Framework::DeepAgents,
        display: "Deep Agents",
        profile: "deepagents",
        python: &["deepagents"],
        node: &["deepagents"],
    },
    Evidence {
        framework: Framework::LangGraph,
        display: "LangGraph",
        profile: "langgraph",
        python: &["langgraph", "langgraph-supervisor", "langgraph-swarm", "langgraph-prebuilt"],
        node: &["@langchain/langgraph", "@langchain/langgraph-supervisor", "@langchain/langgraph-swarm"],
    },
    Evidence {
        framework: Framework::CrewAI,
        display: "CrewAI",
        profile: "crewai",
        python: &["crewai", "crewai-tools"],
        node: &[],
    },
    Evidence {
        framework: Framework::Ag2,
        display: "AG2",
        profile: "ag2",
        python: &["ag2", "autogen", "pyautogen"],
        node: &[],
    },
    Evidence {
        framework: Framework::AutoGen,
        display: "AutoGen",
        profile: "autogen",
        python: &["autogen-agentchat", "autogen-core", "autogen-ext"],
        node: &[],
    },
    Evidence {
        framework: Framework::GoogleAdk,
        display: "Google ADK",
        profile: "google-adk",
        python: &["google-adk"],
        node: &["@google/adk"],
    },
    Evidence {
        framework: Framework::OpenAiAgents,
        display: "OpenAI Agents SDK",
        profile: "openai-agents",
        python: &["openai-agents"],
        node: &["@openai/agents", "@openai/agents-core", "@openai/agents-realtime"],
    },
    Evidence {
        framework: Framework::Strands,
        display: "Strands Agents",
        profile: "strands",
        python: &["strands-agents", "strands-agents-tools"],
        node: &["@strands-agents/sdk"],
    },
    Evidence {
        framework: Framework::PydanticAi,
        display: "Pydantic AI",
        profile: "pydantic-ai",
        python: &["pydantic-ai", "pydantic-ai-slim"],
        node: &[],
    },
    Evidence {
        framework: Framework::LlamaIndex,
        display: "LlamaIndex",
        profile: "llama-index",
        python: &["llama-index", "llama-index-core", "llama-index-*"],
        node: &["llamaindex", "@llamaindex/*"],
    },
    Evidence {
        framework: Framework::Mastra,
        display: "Mastra",
        profile: "mastra",
        python: &[],
        node: &["@mastra/core", "mastra"],
    },
    Evidence {
        framework: Framework::LangChain,
        display: "LangChain",
        profile: "langchain",
        python: &["langchain", "langchain-*"],
        node: &["langchain", "@langchain/*"],
    },
    Evidence {
        framework: Framework::AiSdk,
        display: "AI SDK",
        profile: "ai-sdk",
        python: &[],
        node: &["ai", "@ai-sdk/*"],
    },
    Evidence {
        framework: Framework::Bedrock,
        display: "Amazon Bedrock",
        profile: "bedrock",
        python: &["bedrock-agentcore", "bedrock-agentcore-starter-toolkit"],
        node: &["@aws-sdk/client-bedrock-runtime", "@aws-sdk/client-bedrock-agent-runtime"],
    },
    Evidence {
        framework: Framework::AnthropicSdk,
        display: "Anthropic SDK",
        profile: "anthropic-sdk",
        python: &["anthropic", "claude-agent-sdk"],
        node: &["@anthropic-ai/sdk", "@anthropic-ai/claude-agent-sdk"],
    },
    Evidence {
        framework: Framework::Mcp,
        display: "Model Context Protocol",
        profile: "mcp",
        python: &["mcp", "fastmcp"],
        node: &["@modelcontextprotocol/sdk", "@modelcontextprotocol/server", "fastmcp"],
    },
];

/// The general AWS SDK, which proves Bedrock only when the source makes a Bedrock client.
const AWS_SDK: &str = "boto3";

impl Framework {
    /// The name to show a person.
    pub fn display_name(self) -> &'static str {
        self.evidence().map_or("", |evidence| evidence.display)
    }

    /// The name of its profile in an import, as in `frameworks/langgraph`.
    pub fn profile(self) -> &'static str {
        self.evidence().map_or("", |evidence| evidence.profile)
    }

    /// Whether a project built on this framework is expected to list the other one too.
    pub fn brings(self, other: Self) -> bool {
        let builds_on = match self {
            Self::DeepAgents => matches!(other, Self::LangGraph | Self::LangChain),
            Self::LangGraph | Self::CrewAI => other == Self::LangChain,
            Self::Mastra => other == Self::AiSdk,
            _ => false,
        };
        let is_framework = !self.is_foundation();
        builds_on || (is_framework && other.is_foundation()) || (self != Self::Mcp && other == Self::Mcp)
    }

    /// A model's SDK or a protocol, which most frameworks are used together with.
    fn is_foundation(self) -> bool {
        matches!(self, Self::Bedrock | Self::AnthropicSdk | Self::Mcp)
    }

    fn evidence(self) -> Option<&'static Evidence> {
        TABLE.iter().find(|evidence| evidence.framework == self)
    }
}

/// The frameworks that these dependencies prove, each once, the most specific first.
///
/// Of several proofs the one nearest to the root counts, then the one the table names first.
pub fn found(dependencies: &[Dependency], calls_bedrock: bool) -> Vec<FoundFramework> {
    let mut best: BTreeMap<Framework, (usize, usize, &Dependency)> = BTreeMap::new();
    for dependency in dependencies {
        let depth = dependency.manifest.components().count();
        for (framework, rank) in proved(dependency, calls_bedrock) {
            let candidate = (depth, rank, dependency);
            let entry = best.entry(framework).or_insert(candidate);
            if (depth, rank) < (entry.0, entry.1) {
                *entry = candidate;
            }
        }
    }
    best.into_iter()
        .map(|(framework, (_, _, dependency))| FoundFramework {
            framework,
            manifest: dependency.manifest.clone(),
            line: dependency.line,
            version: dependency.version.clone(),
        })
        .collect()
}

/// Modules whose name is not that of the package, as far as a framework is in it.
const MODULES: &[(&str, &str)] = &[
    ("agents", "openai-agents"),
    ("bedrock_agentcore", "bedrock-agentcore"),
    ("google.adk", "google-adk"),
    ("strands", "strands-agents"),
    ("strands_tools", "strands-agents-tools"),
];

/// The frameworks that these imports prove: names of Python's modules and of packages of Node, with their places.
pub fn imported(
    python: &[(String, PathBuf, u32)],
    node: &[(String, PathBuf, u32)],
    calls_bedrock: bool,
) -> Vec<FoundFramework> {
    let dependency = |name: String, place: &(String, PathBuf, u32), manifest: &str| Dependency {
        name,
        version: None,
        manifest: manifest.into(),
        line: place.2,
    };
    let modules = python.iter().map(|place| {
        let other = MODULES.iter().find(|(module, _)| *module == place.0);
        let name = other.map_or_else(|| place.0.replace('_', "-"), |(_, package)| (*package).to_owned());
        (dependency(name, place, ""), &place.1)
    });
    let packages = node.iter().map(|place| (dependency(place.0.clone(), place, PACKAGE_JSON), &place.1));
    let mut best: BTreeMap<Framework, FoundFramework> = BTreeMap::new();
    for (dependency, file) in modules.chain(packages) {
        for (framework, _) in proved(&dependency, calls_bedrock) {
            let found =
                FoundFramework { framework, manifest: file.clone(), line: dependency.line, version: None };
            best.entry(framework).or_insert(found);
        }
    }
    best.into_values().collect()
}

fn proved(dependency: &Dependency, calls_bedrock: bool) -> Vec<(Framework, usize)> {
    let node = dependency.manifest.file_name().is_some_and(|name| name == PACKAGE_JSON);
    let mut proved = Vec::new();
    for evidence in TABLE {
        let names = if node { evidence.node } else { evidence.python };
        let rank = names.iter().position(|name| match name.strip_suffix('*') {
            Some(prefix) => dependency.name.starts_with(prefix),
            None => dependency.name == *name,
        });
        // `@langchain/langgraph` falls under LangChain's prefix too, which is right: it is built on it.
        proved.extend(rank.map(|rank| (evidence.framework, rank)));
    }
    if !node && calls_bedrock && dependency.name == AWS_SDK {
        proved.push((Framework::Bedrock, names_after_all(Framework::Bedrock)));
    }
    proved
}

fn names_after_all(framework: Framework) -> usize {
    framework.evidence().map_or(0, |evidence| evidence.python.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(manifest: &str, dependencies: &[&str], calls_bedrock: bool) -> Vec<Framework> {
        let dependencies: Vec<Dependency> = dependencies
            .iter()
            .map(|name| Dependency {
                name: (*name).to_owned(),
                version: None,
                manifest: manifest.into(),
                line: 1,
            })
            .collect();
        found(&dependencies, calls_bedrock).into_iter().map(|found| found.framework).collect()
    }

    #[test]
    fn every_framework_is_in_the_table_once_and_in_order() {
        assert!(TABLE.is_sorted_by_key(|evidence| evidence.framework));
        assert_eq!(TABLE.len(), 16);
        for evidence in TABLE {
            let framework = evidence.framework;
            assert_eq!((framework.display_name(), framework.profile()), (evidence.display, evidence.profile));
            assert!(!evidence.python.is_empty() || !evidence.node.is_empty());
            for (manifest, packages) in
                [("requirements.txt", evidence.python), ("package.json", evidence.node)]
            {
                for package in packages {
                    let found = names(manifest, &[&package.replace('*', "x")], false);
                    assert_eq!(found.first(), Some(&framework), "{package}");
                }
            }
        }
    }

    #[test]
    fn the_more_specific_comes_first() {
        let all = ["langchain-openai", "langgraph", "deepagents"];
        let expected = [Framework::DeepAgents, Framework::LangGraph, Framework::LangChain];
        assert_eq!(names("pyproject.toml", &all, false), expected);
        let node = ["@langchain/langgraph"];
        assert_eq!(names("package.json", &node, false), [Framework::LangGraph, Framework::LangChain]);
    }

    #[test]
    fn near_misses_prove_nothing() {
        let near =
            ["langgraph-cli", "mcp-types", "crewai-fork", "boto3", "@langchain/core", "anthropic-tokenizer"];
        assert_eq!(names("requirements.txt", &near, false), []);
        assert_eq!(names("package.json", &["crewai", "anthropic", "mcp", "google-adk"], false), []);
    }

    #[test]
    fn the_aws_sdk_needs_a_bedrock_client() {
        assert_eq!(names("requirements.txt", &["boto3"], true), [Framework::Bedrock]);
    }

    #[test]
    fn a_framework_brings_what_it_stands_on() {
        assert!(Framework::DeepAgents.brings(Framework::LangChain));
        assert!(Framework::CrewAI.brings(Framework::AnthropicSdk));
        assert!(Framework::AnthropicSdk.brings(Framework::Mcp));
        assert!(!Framework::LangGraph.brings(Framework::CrewAI));
        assert!(!Framework::Mcp.brings(Framework::Mcp));
        assert!(!Framework::LangChain.brings(Framework::LangGraph));
    }
}
