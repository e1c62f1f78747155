//! Step 3: the agent may use the model. A call of a model must name it; for any other call a model
//! counts when the caller names one. Ends with `MODEL_DENIED`.

use faramesh_call::{Action, Code, Effect};

use faramesh_call::glob::matches;

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
