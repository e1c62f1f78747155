//! The comparison itself, agent by agent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use faramesh_program::image::{AgentImage, Provider, RuleImage, Runtime};
use faramesh_program::{Image, LoadError, Sources, decode, hex};

use crate::align::{Step, align};
use crate::semantic::Semantic;
use crate::{blocks, providers, settings};

/// A compiled policy, read for comparing.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    image: Image,
    sources: Sources,
    hash: String,
}

impl Policy {
    /// Reads the bytes of a program.
    ///
    /// # Errors
    /// They are damaged, of another format, or beyond a limit.
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let (image, sources, hash) = decode(bytes)?;
        Ok(Self { image, sources, hash: format!("sha256:{}", hex(&hash)) })
    }

    /// The policy's hash, as records write it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Settings of the daemon.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.image.runtime
    }

    pub(crate) fn providers(&self) -> &[Provider] {
        &self.image.providers
    }

    /// Where the rules were written, which is outside of the hash.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    fn agent(&self, name: &str) -> Option<Agent<'_>> {
        self.agents().find(|agent| agent.image.name == name)
    }

    fn agents(&self) -> impl Iterator<Item = Agent<'_>> {
        self.image.agents.iter().enumerate().map(|(index, image)| Agent {
            image,
            whole: &self.image,
            places: self.sources.rules.get(index).map_or(&[][..], Vec::as_slice),
            files: &self.sources.files,
        })
    }
}

/// One agent, with the places of its rules.
#[derive(Debug, Clone, Copy)]
struct Agent<'a> {
    image: &'a AgentImage,
    whole: &'a Image,
    places: &'a [(u32, u32)],
    files: &'a [String],
}

impl<'a> Agent<'a> {
    fn rules_or_none(agent: Option<Self>) -> Vec<Rule<'a>> {
        agent.map_or_else(Vec::new, |agent| agent.rules().collect())
    }

    fn rules(&self) -> impl Iterator<Item = Rule<'a>> {
        let (places, files) = (self.places, self.files);
        self.image.rules.iter().enumerate().map(move |(index, image)| {
            let place = places.get(index).and_then(|(file, line)| {
                Some(format!("{}:{line}", files.get(usize::try_from(*file).ok()?)?))
            });
            Rule { image, place: place.unwrap_or_default() }
        })
    }
}

/// One rule, and where it was written.
#[derive(Debug, Clone)]
struct Rule<'a> {
    image: &'a RuleImage,
    place: String,
}

impl Rule<'_> {
    fn written(&self) -> (String, String) {
        (self.image.text.clone(), self.place.clone())
    }
}

/// One rule that is new, gone, changed or moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The agent.
    pub agent: String,
    /// The rule in the old policy, and where it was written.
    pub from: Option<(String, String)>,
    /// The rule in the new policy, and where it is written.
    pub to: Option<(String, String)>,
}

/// A named thing with the value it had and the one it gets; `None` where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it is, such as `mode` or the name of an agent.
    pub name: String,
    /// In the old policy.
    pub from: Option<String>,
    /// In the new policy.
    pub to: Option<String>,
}

/// What a new policy changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The hash of the old policy, when there is one.
    pub from: Option<String>,
    /// The hash of the new policy.
    pub to: String,
    /// Agents that are new or gone.
    pub agents: Vec<Setting>,
    /// Rules that are new.
    pub added: Vec<Change>,
    /// Rules that are gone.
    pub removed: Vec<Change>,
    /// Rules of the same effect and tool that say something else.
    pub changed: Vec<Change>,
    /// Rules that stand at another place, which counts because the first match wins.
    pub moved: Vec<Change>,
    /// What happens to a call that no rule matches, by agent.
    pub defaults: Vec<Setting>,
    /// What the kernel must say about an agent's process.
    pub attests: Vec<Setting>,
    /// Rates, by agent and tool.
    pub rate_limits: Vec<Setting>,
    /// Budgets, by agent and name.
    pub budgets: Vec<Setting>,
    /// Everything else that agents say, and what the policy says beside them.
    pub blocks: Vec<Setting>,
    /// Redacted fields, by agent and tool.
    pub redactions: Vec<Setting>,
    /// Identity providers.
    pub identities: Vec<Setting>,
    /// Providers, sinks among them.
    pub providers: Vec<Setting>,
    /// Settings of the daemon.
    pub runtime: Vec<Setting>,
    /// What happens with calls, where that was compared.
    pub semantic: Option<Semantic>,
}

impl Changes {
    /// Whether the new policy is the old one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many changes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let rules = [&self.added, &self.removed, &self.changed, &self.moved];
        let settings = [
            &self.agents,
            &self.defaults,
            &self.attests,
            &self.rate_limits,
            &self.budgets,
            &self.blocks,
            &self.redactions,
            &self.identities,
            &self.providers,
            &self.runtime,
        ];
        rules.iter().map(|list| list.len()).sum::<usize>()
            + settings.iter().map(|list| list.len()).sum::<usize>()
    }
}

/// Compares the policy in force, if there is one, with a new one.
#[must_use]
pub fn compare(old: Option<&Policy>, new: &Policy) -> Changes {
    let mut changes =
        Changes { from: old.map(|old| old.hash.clone()), to: new.hash.clone(), ..Changes::default() };
    for agent in new.agents() {
        let before = old.and_then(|old| old.agent(&agent.image.name));
        compare_agent(before, Some(agent), &mut changes);
    }
    for agent in old.into_iter().flat_map(Policy::agents) {
        if new.agent(&agent.image.name).is_none() {
            compare_agent(Some(agent), None, &mut changes);
        }
    }
    let identities = |policy: Option<&Policy>| {
        policy.map(|policy| settings::identities(&policy.image)).unwrap_or_default()
    };
    changes.identities = differing(&identities(old), &identities(Some(new)));
    changes.providers = differing(&providers::of(old), &providers::of(Some(new)));
    // Without a policy in force, every setting is as the author wrote it, which is no change.
    if let Some(old) = old {
        changes.runtime =
            differing(&settings::runtime(&old.image.runtime), &settings::runtime(&new.image.runtime));
        changes.blocks.extend(differing(&blocks::beside(&old.image), &blocks::beside(&new.image)));
        // Whatever else differs, two policies are never taken for one.
        if changes.is_empty() && old.hash != new.hash {
            changes.blocks.push(setting("policy", Some(old.hash.clone()), Some(new.hash.clone())));
        }
    }
    changes
}

fn rules_of(agent: Agent<'_>) -> String {
    let default = agent.image.default.as_str();
    match agent.image.rules.len() {
        1 => format!("1 rule, default {default}"),
        count => format!("{count} rules, default {default}"),
    }
}

fn compare_agent(old: Option<Agent<'_>>, new: Option<Agent<'_>>, changes: &mut Changes) {
    let Some(name) = new.or(old).map(|agent| agent.image.name.as_str()) else { return };
    if let (Some(old), Some(new)) = (old, new) {
        let (from, to) = (old.image.default.as_str(), new.image.default.as_str());
        if from != to {
            changes.defaults.push(setting(name, Some(from.to_owned()), Some(to.to_owned())));
        }
    } else {
        changes.agents.push(setting(name, old.map(rules_of), new.map(rules_of)));
    }
    compare_rules(name, old, new, changes);
    let attest = |agent: Option<Agent<'_>>| settings::attest(agent?.image);
    let (from, to) = (attest(old), attest(new));
    if from != to {
        changes.attests.push(setting(name, from, to));
    }
    let of = |entries: fn(&AgentImage) -> Vec<(String, String)>| {
        let entries = |agent: Option<Agent<'_>>| agent.map(|agent| entries(agent.image)).unwrap_or_default();
        differing(&entries(old), &entries(new))
    };
    changes.redactions.extend(of(settings::redactions));
    changes.rate_limits.extend(of(blocks::rates));
    let others = |agent: Option<Agent<'_>>| {
        agent.map(|agent| blocks::others(agent.image, agent.whole)).unwrap_or_default()
    };
    changes.blocks.extend(differing(&others(old), &others(new)));
    let budgets = |agent: Option<Agent<'_>>| {
        agent.map(|agent| blocks::budgets(agent.image, agent.whole)).unwrap_or_default()
    };
    changes.budgets.extend(differing(&budgets(old), &budgets(new)));
}

fn compare_rules(name: &str, old: Option<Agent<'_>>, new: Option<Agent<'_>>, changes: &mut Changes) {
    let (old_rules, new_rules) = (Agent::rules_or_none(old), Agent::rules_or_none(new));
    let texts = |rules: &[Rule<'_>]| rules.iter().map(|rule| rule.image.text.clone()).collect::<Vec<_>>();
    let (old_texts, new_texts) = (texts(&old_rules), texts(&new_rules));
    let old_words: Vec<&str> = old_texts.iter().map(String::as_str).collect();
    let new_words: Vec<&str> = new_texts.iter().map(String::as_str).collect();
    let mut gone: Vec<&Rule<'_>> = Vec::new();
    let mut fresh: Vec<&Rule<'_>> = Vec::new();
    for step in align(&old_words, &new_words) {
        match step {
            Step::Same => {}
            Step::Old(at) => gone.extend(old_rules.get(at)),
            Step::New(at) => fresh.extend(new_rules.get(at)),
        }
    }
    // Moves first: a rule that is elsewhere word for word is no other rule's earlier form.
    let (moved, fresh, gone) = pair(fresh, gone, |rule| rule.image.text.clone());
    let (changed, fresh, gone) =
        pair(fresh, gone, |rule| format!("{} {}", rule.image.effect.as_str(), rule.image.pattern));
    let both = |pairs: Vec<(&Rule<'_>, &Rule<'_>)>| {
        pairs.into_iter().map(|(from, to)| change(name, Some(from), Some(to))).collect::<Vec<_>>()
    };
    changes.moved.extend(both(moved));
    changes.changed.extend(both(changed));
    changes.added.extend(fresh.into_iter().map(|rule| change(name, None, Some(rule))));
    changes.removed.extend(gone.into_iter().map(|rule| change(name, Some(rule), None)));
}

/// Pairs of an old and a new rule, and what is left of the new and of the old ones.
type Paired<'r, 'a> = (Vec<(&'r Rule<'a>, &'r Rule<'a>)>, Vec<&'r Rule<'a>>, Vec<&'r Rule<'a>>);

/// Pairs rules with one key, the first old one with the first new one; both lists keep their order.
fn pair<'r, 'a>(
    fresh: Vec<&'r Rule<'a>>,
    gone: Vec<&'r Rule<'a>>,
    key: impl Fn(&Rule<'a>) -> String,
) -> Paired<'r, 'a> {
    let mut waiting: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (index, rule) in gone.iter().enumerate() {
        waiting.entry(key(rule)).or_default().push_back(index);
    }
    let (mut pairs, mut left, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    for rule in fresh {
        let found = waiting.get_mut(&key(rule)).and_then(VecDeque::pop_front);
        match found.and_then(|at| Some((at, *gone.get(at)?))) {
            Some((at, old)) => {
                taken.insert(at);
                pairs.push((old, rule));
            }
            None => left.push(rule),
        }
    }
    let rest = gone.into_iter().enumerate().filter(|(index, _)| !taken.contains(index));
    (pairs, left, rest.map(|(_, rule)| rule).collect())
}

fn change(agent: &str, from: Option<&Rule<'_>>, to: Option<&Rule<'_>>) -> Change {
    Change { agent: agent.to_owned(), from: from.map(Rule::written), to: to.map(Rule::written) }
}

fn setting(name: &str, from: Option<String>, to: Option<String>) -> Setting {
    Setting { name: name.to_owned(), from, to }
}

/// Names whose values differ, those of the new list first.
fn differing(old: &[(String, String)], new: &[(String, String)]) -> Vec<Setting> {
    let value = |list: &[(String, String)], name: &str| {
        list.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    };
    let mut seen = BTreeSet::new();
    new.iter()
        .chain(old)
        .filter(|(name, _)| seen.insert(name.clone()))
        .map(|(name, _)| setting(name, value(old, name), value(new, name)))
        .filter(|setting| setting.from != setting.to)
        .collect()
}

#[cfg(test)]
mod tests;
