//! The blocks of agents and of the world around them, in the one order that a program has them in:
//! whatever has no order of its own is sorted, so that moving a block in a source changes no byte.

use faramesh_check::stack;
use faramesh_program::image::{
    Ambient, BlocksImage, Budget, Delegate, DelegatedTool, IdentityProvider, Manifest, Phase, Provider,
    TrustKey,
};

use crate::intern::Interner;
use crate::{CompileError, Places};

/// The blocks of an agent, and the places of the rules of its phases.
pub(crate) fn blocks(
    blocks: &stack::Blocks,
    interner: &mut Interner,
) -> Result<(BlocksImage, Vec<Places>), CompileError> {
    let mut phases = Vec::with_capacity(blocks.phases.len());
    let mut places = Vec::with_capacity(blocks.phases.len());
    // Stages follow each other in the order of the source.
    for phase in &blocks.phases {
        let (rules, lines) = crate::compile_rules(&phase.rules, interner)?;
        phases.push(Phase {
            name: phase.name.clone(),
            duration_ms: phase.duration_ms,
            next: phase.next.clone(),
            tools: phase.tools.clone(),
            default: phase.default,
            rules,
        });
        places.push(lines);
    }
    let budgets = sorted_by(&blocks.budgets, |budget| &budget.id).into_iter();
    let delegates = sorted_by(&blocks.delegates, |delegate| &delegate.to).into_iter();
    let image = BlocksImage {
        rate_limits: sorted(&blocks.rate_limits),
        budgets: budgets.map(|budget| budget_image(budget, interner)).collect::<Result<_, _>>()?,
        egress: blocks.egress.clone(),
        model_policy: blocks.model_policy.clone(),
        session: blocks.session,
        spawn: blocks.spawn.clone(),
        delegates: delegates.map(|delegate| delegate_image(delegate, interner)).collect::<Result<_, _>>()?,
        phases,
        completion_gate: sorted(&blocks.completion_gate),
        credentials: sorted_by(&blocks.credentials, |credential| &credential.name)
            .into_iter()
            .cloned()
            .collect(),
        selectors: sorted_by(&blocks.selectors, |selector| &selector.name).into_iter().cloned().collect(),
        ambient: blocks.ambient.as_ref().map(|ambient| ambient_image(ambient, interner)).transpose()?,
        enforcement: blocks.enforcement.clone(),
        alerts: sorted(&blocks.alerts),
    };
    Ok((image, places))
}

fn budget_image(
    budget: &Budget<stack::Operand>,
    interner: &mut Interner,
) -> Result<Budget<u32>, CompileError> {
    Ok(Budget {
        id: budget.id.clone(),
        max_micros: budget.max_micros,
        daily_micros: budget.daily_micros,
        max_calls: budget.max_calls,
        window: budget.window,
        warn_at_millionths: budget.warn_at_millionths,
        on_exceed: budget.on_exceed,
        tools: budget.tools.clone(),
        cost: budget.cost.as_ref().map(|cost| interner.operand(cost)).transpose()?,
        scope: budget.scope,
    })
}

fn ambient_image(
    ambient: &Ambient<stack::Operand>,
    interner: &mut Interner,
) -> Result<Ambient<u32>, CompileError> {
    Ok(Ambient {
        customer: ambient.customer.as_ref().map(|customer| interner.operand(customer)).transpose()?,
        max_customers_per_day: ambient.max_customers_per_day,
        max_data_volume_bytes: ambient.max_data_volume_bytes,
        max_calls_per_day: ambient.max_calls_per_day,
        on_exceed: ambient.on_exceed,
    })
}

fn delegate_image(
    delegate: &Delegate<stack::Condition>,
    interner: &mut Interner,
) -> Result<Delegate<u32>, CompileError> {
    let mut tool = |tool: &DelegatedTool<stack::Condition>| {
        let condition = tool.condition.as_ref();
        Ok::<_, CompileError>(DelegatedTool {
            pattern: tool.pattern.clone(),
            condition: condition.map(|found| interner.expression(&found.expression)).transpose()?,
            text: tool.text.clone(),
        })
    };
    let scope = delegate.scope.as_ref();
    Ok(Delegate {
        to: delegate.to.clone(),
        scope: scope.map(|tools| tools.iter().map(&mut tool).collect::<Result<_, _>>()).transpose()?,
        ttl_ms: delegate.ttl_ms,
        ceiling: delegate.ceiling,
        inherits: delegate.inherits.clone(),
    })
}

/// Declared providers of identity, by name.
pub(crate) fn identities(found: &[IdentityProvider]) -> Vec<IdentityProvider> {
    sorted_by(found, |identity| &identity.name).into_iter().cloned().collect()
}

/// Declared providers, by name.
pub(crate) fn providers(found: &[Provider]) -> Vec<Provider> {
    sorted_by(found, |provider| &provider.name).into_iter().cloned().collect()
}

/// Keys of imports, each once.
pub(crate) fn trust(found: &[TrustKey]) -> Vec<TrustKey> {
    sorted(found)
}

/// Who may hand work to whom.
pub(crate) fn manifest(found: &Manifest) -> Manifest {
    Manifest { orchestrators: sorted(&found.orchestrators), grants: sorted(&found.grants) }
}

/// In order, each once.
pub(crate) fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items.dedup();
    items
}

/// In the order of their names.
pub(crate) fn sorted_by<T>(items: &[T], name: impl Fn(&T) -> &String) -> Vec<&T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort_by(|left, right| name(left).cmp(name(right)));
    items
}
