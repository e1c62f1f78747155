//! Step 3: the agent may use the model. A call of a model must name it; for any other call a model
//! counts when the caller names one. Ends with `MODEL_DENIED`.

use faramesh_call::{Action, Code, Effect};

use crate::Flow;
use crate::input::Input;
use crate::outside;
use crate::verdict::Verdict;

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let Some(policy) = input.agent.limits().and_then(|limits| limits.models()) else {
        return Flow::Continue;
    };
    outside::note_model(input.agent, input.call, verdict);
    let message = match input.call.model.as_deref() {
        None if input.call.action == Action::ModelCall => {
            "a call of a model must name it, because the policy says which may be called".to_owned()
        }
        None => return Flow::Continue,
        Some(model) => {
            let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, model));
            if !named(&policy.deny) && policy.allow.as_deref().is_none_or(named) {
                return Flow::Continue;
            }
            format!("agent `{}` may not use the model `{}`", input.agent.name, model.escape_debug())
        }
    };
    verdict.effect = Effect::Deny;
    verdict.code = Code::ModelDenied;
    verdict.message = message;
    Flow::End
}

/// Whether a name is as a pattern says, where `*` is any run of characters. Takes at most the product
/// of the lengths, and both are bounded.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_run() {
        for (pattern, name, expected) in [
            ("gpt-5", "gpt-5", true),
            ("gpt-5", "gpt-5-mini", false),
            ("gpt-5", "Gpt-5", false),
            ("gpt-*", "gpt-", true),
            ("*", "", true),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-2", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "ac", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }
}
