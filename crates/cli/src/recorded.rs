//! Recorded calls, to be decided again: the call as its record holds it, and what a condition would look at.

use faramesh_call::{Action, Call, Value};
use faramesh_decide::{Outside, place_of_selector};
use faramesh_dpr::Record;
use faramesh_program::Program;
use faramesh_program::image::{Expression, Fact, Operand, Path};
use faramesh_state::handovers::carried;

/// Most parts of one condition that are looked through.
const MAX_PARTS: usize = 4_096;

/// The call of a decision, as far as its record holds it.
pub fn call_of(record: &Record) -> Call {
    call_and_outside(record).0
}

/// The same, and what the record knows of it beside its arguments.
pub fn call_and_outside(record: &Record) -> (Call, Outside) {
    let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| Box::from(text.as_ref()));
    let action = record.field("action");
    let mut call = Call {
        agent: owned(record.agent()),
        tool: record.tool().map(|tool| Box::from(tool.as_ref())).unwrap_or_default(),
        action: action.as_ref().and_then(Value::as_str).and_then(Action::parse).unwrap_or_default(),
        args: record.args().unwrap_or_default(),
        session: owned(record.session()),
        delegation: record.field("inputs").as_ref().and_then(carried),
        call_id: owned(record.call_id()),
        parent: owned(record.parent()),
        ..Call::default()
    };
    let outside = Outside::read_back(&record.field("inputs").unwrap_or_default(), &mut call);
    (call, outside)
}

/// What a condition looks at.
#[derive(Debug, Default)]
pub struct Looked<'a> {
    /// The places of the call, each once.
    pub paths: Vec<&'a Path>,
    /// The places of selectors, as records name them.
    pub selected: Vec<String>,
    /// Whether it looks at what happened before.
    pub facts: bool,
}

/// What a condition looks at.
pub fn looked_at(program: &Program, condition: u32) -> Looked<'_> {
    let mut facts = false;
    let mut selected = Vec::new();
    let mut expressions = vec![condition];
    let mut operands: Vec<u32> = Vec::new();
    let mut found: Vec<u32> = Vec::new();
    // References point backwards, so this ends; the bound is for conditions that share many parts.
    for _ in 0..MAX_PARTS {
        let Some(index) = expressions.pop() else { break };
        match program.expression(index) {
            Some(Expression::Not(part)) => expressions.push(*part),
            Some(Expression::All(parts) | Expression::Any(parts)) => expressions.extend(parts),
            Some(Expression::Compare { left, right, .. }) => operands.extend([left, right]),
            Some(Expression::In { item, list }) => operands.extend([item, list]),
            Some(Expression::Contains { whole, part }) => operands.extend([whole, part]),
            Some(Expression::StartsWith { text, affix } | Expression::EndsWith { text, affix }) => {
                operands.extend([text, affix]);
            }
            Some(Expression::Within { path, folder }) => operands.extend([path, folder]),
            Some(Expression::Matches { text, .. }) => operands.push(*text),
            Some(Expression::Truth(operand)) => operands.push(*operand),
            Some(Expression::Has(path)) => found.push(*path),
            Some(Expression::Constant(_)) | None => {}
        }
    }
    for _ in 0..MAX_PARTS {
        let Some(index) = operands.pop() else { break };
        match program.operand(index) {
            Some(Operand::Path(path)) => found.push(*path),
            Some(Operand::List(items)) => operands.extend(items),
            Some(Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of)) => operands.push(*of),
            Some(Operand::Fact(fact)) => match &**fact {
                Fact::Selector { name, steps } => selected.push(place_of_selector(None, name, steps)),
                _ => facts = true,
            },
            Some(Operand::Constant(_)) | None => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    let paths = found.into_iter().filter_map(|path| program.path(path)).collect();
    Looked { paths, selected, facts }
}
