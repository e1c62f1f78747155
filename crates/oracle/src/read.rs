//! Names of a condition, looked for in the order of the language: builtins, variables, then the
//! arguments of the tool.

use faramesh_call::{Object, Value};
use faramesh_syntax::ast::{Spanned, Step};

use crate::clock;
use crate::condition::Situation;
use crate::operand::{Operand, Origin, count};
use crate::path::normalise;
use crate::truth::Unknown;

/// Builtins that have members, of which the first is always a field.
const OBJECTS: [&str; 5] = ["args", "query", "headers", "principal", "tags"];

type Read = Result<Value, Unknown>;

impl Situation<'_> {
    /// A name and what follows it: fields, then methods.
    pub(crate) fn name(&self, root: &str, steps: &[Spanned<Step>]) -> Operand {
        let (fields, methods) = self.fields_and_methods(root, steps);
        let mut operand = match self.variable(root, &fields) {
            Some(value) => Operand::author(value),
            None => {
                let origin =
                    if root == "path" && fields.is_empty() { Origin::NormalPath } else { Origin::Call };
                Operand { value: self.place(root, &fields), origin, elements: None }
            }
        };
        for method in methods {
            operand = operand.method(method);
        }
        operand
    }

    /// Whether there is anything at a place, `null` included.
    pub(crate) fn has(&self, root: &str, steps: &[Spanned<Step>]) -> bool {
        let (fields, _) = self.fields_and_methods(root, steps);
        if self.variable(root, &fields).is_some() {
            return true;
        }
        self.place(root, &fields).is_ok() || self.both_spellings(root, &fields).iter().any(Result::is_ok)
    }

    /// What stands at a builtin's fields, none of which is a method.
    pub(crate) fn field_of(&self, root: &str, fields: &[Spanned<Step>]) -> Result<Value, Unknown> {
        let fields: Vec<&Step> = fields.iter().map(|step| &step.node).collect();
        self.place(root, &fields)
    }

    fn fields_and_methods<'s>(
        &self,
        root: &str,
        steps: &'s [Spanned<Step>],
    ) -> (Vec<&'s Step>, Vec<&'s str>) {
        let least = usize::from(OBJECTS.contains(&root) || root == "vars" || root == "time");
        let methods = self.methods(steps).min(steps.len().saturating_sub(least));
        let (fields, methods) = steps.split_at_checked(steps.len() - methods).unwrap_or((steps, &[]));
        let methods = methods.iter().filter_map(|step| match &step.node {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        (fields.iter().map(|step| &step.node).collect(), methods.collect())
    }

    /// `limit` or `vars.limit`
    fn variable(&self, root: &str, fields: &[&Step]) -> Option<Value> {
        match (root, fields) {
            ("vars", [Step::Key(name)]) => self.variables.get(name.as_str()).cloned(),
            (_, []) if !is_builtin(root) => self.variables.get(root).cloned(),
            _ => None,
        }
    }

    fn place(&self, root: &str, fields: &[&Step]) -> Read {
        if let ("session", [Step::Key(name)]) = (root, fields)
            && matches!(name.as_str(), "calls" | "cost")
        {
            return Ok(count(0));
        }
        let call = self.call;
        let text = |text: Option<&str>| text.map(Value::string).ok_or(Unknown::Absent);
        let http = call.http.as_deref();
        match root {
            "tool" => text(Some(&call.tool)),
            "agent" => text(Some(self.agent)),
            "action" => text(Some(call.action.as_str())),
            "model" => text(call.model.as_deref()),
            "session" => text(call.session.as_deref()),
            "time" => clock::part(self.now, self.timezone, fields.first().copied()),
            "args" => follow(&call.args, fields),
            "principal" => follow(call.principal.as_ref().ok_or(Unknown::Absent)?, fields),
            "tags" => follow(&object(call.tags.as_ref().ok_or(Unknown::Absent)?), fields),
            "query" => match http {
                Some(http) => follow(&object(&http.query), fields),
                None => follow(self.argument("query")?, fields),
            },
            "headers" => match http {
                Some(http) => header(&object(&http.headers), fields),
                None => header(self.argument("headers")?, fields),
            },
            "host" => http.map_or_else(|| self.argument("host").cloned(), |http| text(Some(&http.host))),
            "method" => {
                http.map_or_else(|| self.argument("method").cloned(), |http| text(Some(&http.method)))
            }
            "port" => http
                .map_or_else(|| self.argument("port").cloned(), |http| Ok(Value::from(u64::from(http.port)))),
            "path" => {
                let path = http.map_or_else(|| self.argument("path").cloned(), |http| text(Some(&http.path)));
                path.map(|path| match path {
                    Value::String(path) => Value::string(normalise(&path)),
                    other => other,
                })
            }
            _ => self.field(root, fields),
        }
    }

    fn argument(&self, name: &str) -> Result<&Value, Unknown> {
        self.call.args.get(name).ok_or(Unknown::Absent)
    }

    /// `s3.bucket`: an argument `s3` with a member, or, for tools below `s3/`, the argument `bucket`. If
    /// both are there they must be the same.
    fn field(&self, root: &str, fields: &[&Step]) -> Read {
        match self.both_spellings(root, fields).as_slice() {
            [Ok(nested), Ok(flat)] => {
                let same = crate::equality::values(nested, flat) == crate::equality::Equality::Equal;
                if same { Ok(nested.clone()) } else { Err(Unknown::Type) }
            }
            [Err(nested), Err(flat)] => Err(*nested.max(flat)),
            [Ok(found), _] | [_, Ok(found)] | [Ok(found)] => Ok(found.clone()),
            [Err(why)] => Err(*why),
            _ => Err(Unknown::Absent),
        }
    }

    /// What stands at `args.<root>.<fields>`, and at `args.<fields>` when the root names the tool.
    fn both_spellings(&self, root: &str, fields: &[&Step]) -> Vec<Read> {
        if is_builtin(root) {
            return Vec::new();
        }
        let root_step = Step::Key(root.to_owned());
        let nested: Vec<&Step> = std::iter::once(&root_step).chain(fields.iter().copied()).collect();
        let mut found = vec![follow(&self.call.args, &nested)];
        if !fields.is_empty() && self.call.tool.split('/').next() == Some(root) {
            found.push(follow(&self.call.args, fields));
        }
        found
    }
}

fn is_builtin(root: &str) -> bool {
    OBJECTS.contains(&root)
        || ["tool", "agent", "action", "model", "host", "port", "method", "path", "session", "time", "vars"]
            .contains(&root)
}

fn object(object: &Object) -> Value {
    Value::Object(object.clone())
}

/// A header, whatever the case of its name. Two that differ in case alone must be the same.
fn header(headers: &Value, fields: &[&Step]) -> Read {
    let Some((Step::Key(name), rest)) = fields.split_first() else { return follow(headers, fields) };
    let Value::Object(members) = headers else { return Err(Unknown::Type) };
    let mut found: Vec<&Value> = Vec::new();
    for (key, value) in members.iter() {
        if key.eq_ignore_ascii_case(name) && !found.contains(&value) {
            found.push(value);
        }
    }
    match found.as_slice() {
        [] => Err(Unknown::Absent),
        [only] => follow(only, rest),
        _ => Err(Unknown::Type),
    }
}

fn follow(value: &Value, fields: &[&Step]) -> Read {
    let mut at = value;
    for field in fields {
        at = match (field, at) {
            (Step::Key(key), Value::Object(members)) => {
                members.iter().find(|(name, _)| name == key).ok_or(Unknown::Absent)?.1
            }
            (Step::Index(number), Value::List(items)) => {
                let number = usize::try_from(*number).map_err(|_| Unknown::Absent)?;
                items.get(number).ok_or(Unknown::Absent)?
            }
            _ => return Err(Unknown::Type),
        };
    }
    Ok(at.clone())
}
