//! Bounds of what a program carries beside its rules: how many blocks there are, how long their texts and
//! lists, and that the numbers in them name something. Checked when a program is loaded.

use crate::image::{AgentImage, BlocksImage, Image, Setting, SettingValue, TextSource};
use crate::load::{LoadError, MAX_RULES, MAX_TEXT_BYTES};

/// Most blocks of one kind in one place, and most elements of one list.
pub const MAX_ITEMS: usize = 10_000;
/// Most selectors of an agent: what they gave stands in a record beside the arguments.
pub const MAX_SELECTORS: usize = 32;
/// Most agents.
pub const MAX_AGENTS: usize = 100_000;

/// Checks everything that is no rule of an agent.
pub(crate) fn validate(image: &Image) -> Result<(), LoadError> {
    few("agents", image.agents.len(), MAX_AGENTS)?;
    for count in [
        image.identities.len(),
        image.providers.len(),
        image.trust.len(),
        image.manifest.orchestrators.len(),
        image.manifest.grants.len(),
        image.imports.len(),
        image.runtime.sandbox.strip_env.len(),
    ] {
        few("blocks of a stack", count, MAX_ITEMS)?;
    }
    for settings in image
        .providers
        .iter()
        .map(|provider| &provider.settings)
        .chain(image.identities.iter().map(|identity| &identity.settings))
    {
        few("settings", settings.len(), MAX_ITEMS)?;
        for (key, setting) in settings {
            short(key)?;
            self::setting(setting)?;
        }
    }
    image.agents.iter().try_for_each(|agent| blocks(image, agent))
}

fn few(what: &'static str, count: usize, most: usize) -> Result<(), LoadError> {
    if count <= most { Ok(()) } else { Err(LoadError::Limit(what)) }
}

fn short(text: &str) -> Result<(), LoadError> {
    if text.len() <= MAX_TEXT_BYTES { Ok(()) } else { Err(LoadError::Limit("length of a text")) }
}

fn setting(setting: &Setting) -> Result<(), LoadError> {
    let items = match setting {
        Setting::One(value) => std::slice::from_ref(value),
        Setting::List(items) => items.as_slice(),
    };
    few("elements of a list", items.len(), MAX_ITEMS)?;
    items.iter().try_for_each(|item| match item {
        SettingValue::Text(TextSource::Literal(text) | TextSource::Environment { name: text, .. })
        | SettingValue::Number(text) => short(text),
        _ => Ok(()),
    })
}

fn blocks(image: &Image, agent: &AgentImage) -> Result<(), LoadError> {
    let blocks = &agent.blocks;
    few("selectors of an agent", blocks.selectors.len(), MAX_SELECTORS)?;
    for count in [
        blocks.rate_limits.len(),
        blocks.budgets.len(),
        blocks.delegates.len(),
        blocks.phases.len(),
        blocks.completion_gate.len(),
        blocks.credentials.len(),
        blocks.selectors.len(),
        blocks.alerts.len(),
    ] {
        few("blocks of an agent", count, MAX_ITEMS)?;
    }
    for count in lists(blocks) {
        few("elements of a list", count, MAX_ITEMS)?;
    }
    numbers(image, blocks)
}

/// Lengths of the lists in the blocks of an agent.
fn lists(blocks: &BlocksImage) -> impl Iterator<Item = usize> {
    let egress = blocks.egress.iter().flat_map(|found| [found.allow.len(), found.deny.len()]);
    let models = blocks
        .model_policy
        .iter()
        .flat_map(|found| [found.allow.as_ref().map_or(0, Vec::len), found.deny.len()]);
    let spawn = blocks.spawn.iter().map(|found| found.allow.len());
    let budgets = blocks.budgets.iter().map(|found| found.tools.len());
    let delegates = blocks
        .delegates
        .iter()
        .flat_map(|found| [found.scope.as_ref().map_or(0, Vec::len), found.inherits.len()]);
    let phases = blocks.phases.iter().map(|found| found.tools.len());
    let credentials = blocks.credentials.iter().flat_map(|found| {
        [found.tools.len(), found.scope.len(), found.max_scope.as_ref().map_or(0, Vec::len)]
    });
    let sandbox = blocks.enforcement.iter().map(|found| found.network.as_ref().map_or(0, Vec::len));
    let alerts =
        blocks.alerts.iter().flat_map(|found| [found.on.len(), found.notify.len(), found.tools.len()]);
    egress
        .chain(models)
        .chain(spawn)
        .chain(budgets)
        .chain(delegates)
        .chain(phases)
        .chain(credentials)
        .chain(sandbox)
        .chain(alerts)
}

/// Whether every number in the blocks names an operand, a condition or a rule that is there.
fn numbers(image: &Image, blocks: &BlocksImage) -> Result<(), LoadError> {
    let within = |number: u32, count: usize| usize::try_from(number).is_ok_and(|number| number < count);
    let customer = blocks.ambient.as_ref().and_then(|ambient| ambient.customer);
    let mut costs = blocks.budgets.iter().filter_map(|budget| budget.cost).chain(customer);
    if !costs.all(|cost| within(cost, image.operands.len())) {
        return Err(LoadError::Damaged("a budget or counter names no operand"));
    }
    let scopes = blocks.delegates.iter().filter_map(|delegate| delegate.scope.as_ref()).flatten();
    let mut conditions = scopes
        .filter_map(|tool| tool.condition)
        .chain(blocks.phases.iter().flat_map(|phase| &phase.rules).filter_map(|rule| rule.condition));
    if !conditions.all(|condition| within(condition, image.expressions.len())) {
        return Err(LoadError::Damaged("a block names no condition"));
    }
    let rules: usize = blocks.phases.iter().map(|phase| phase.rules.len()).sum();
    few("rules of phases", rules, MAX_RULES)
}
