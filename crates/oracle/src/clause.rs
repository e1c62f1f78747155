//! Clauses of rules: what a request must be. The values of a clause are alternatives, and a lone `*`
//! asks only that there is something.

use faramesh_call::Value;
use faramesh_syntax::ast::{self, Clause, Spanned, Step};

use crate::condition::Situation;
use crate::constant::constant;
use crate::equality::{self, Equality};
use crate::path::normalise;
use crate::pattern;
use crate::truth::{Truth, Unknown};

impl Situation<'_> {
    /// Whether a request is as a clause says; `True` for clauses that only tell people something.
    pub(crate) fn clause(&self, clause: &Clause) -> Truth {
        let key: Vec<Spanned<Step>> = clause
            .key
            .iter()
            .map(|key| Spanned { node: Step::Key(key.node.clone()), span: key.span })
            .collect();
        let (root, keyword) = match clause.keyword.node.as_str() {
            "query" => ("query", "text"),
            "header" => ("headers", "text"),
            word @ ("host" | "port" | "method" | "path") => (word, word),
            _ => return Truth::True,
        };
        let mut wanted = Vec::new();
        self.clause_values(&clause.value.node, &mut wanted);
        if keyword != "port" && wanted.iter().any(|value| value.as_str() == Some("*")) {
            return self.has(root, &key).into();
        }
        // A key is a field, whatever it is called.
        let subject = self.field_of(root, &key);
        wanted.iter().fold(Truth::False, |found, wanted| {
            found.or(match &subject {
                Ok(subject) => meets(keyword, wanted, subject),
                Err(why) => Truth::Unknown(*why),
            })
        })
    }

    /// The values that a clause names: literals, variables, words such as `GET`.
    fn clause_values(&self, value: &ast::Value, wanted: &mut Vec<Value>) {
        match value {
            ast::Value::List(items) => items.iter().for_each(|item| self.clause_values(&item.node, wanted)),
            ast::Value::Word(word) => match self.variables.get(word) {
                Some(Value::List(items)) => wanted.extend(items.iter().cloned()),
                Some(value) => wanted.push(value.clone()),
                None => wanted.push(Value::string(word.as_str())),
            },
            value => match constant(value, self.environment) {
                Some(Value::List(items)) => wanted.extend(items),
                Some(value) => wanted.push(value),
                None => {}
            },
        }
    }
}

fn meets(keyword: &str, wanted: &Value, subject: &Value) -> Truth {
    if keyword == "port" {
        return match equality::values(wanted, subject) {
            Equality::Equal => Truth::True,
            Equality::Different => Truth::False,
            Equality::Unlike | Equality::Malformed => Truth::Unknown(Unknown::Type),
        };
    }
    // `query page=1`: what is compared is text.
    let wanted = match wanted {
        Value::String(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => return Truth::Unknown(Unknown::Type),
    };
    let subject = match subject {
        Value::String(subject) => subject,
        // Without a `*` it is `==`, where nothing but `null` is `null`; with one it asks for a text, and so
        // do hosts and methods, which are compared in small letters, and what would be a domain in `==`.
        Value::Null
            if matches!(keyword, "path" | "text") && !wanted.contains('*') && !wanted.starts_with('@') =>
        {
            return Truth::False;
        }
        _ => return Truth::Unknown(Unknown::Type),
    };
    let meets = match keyword {
        "host" => pattern::host(&wanted, subject),
        "method" => pattern::method(&wanted, subject),
        "path" => pattern::path(&normalise(&wanted), subject),
        _ => pattern::run(&wanted, subject),
    };
    meets.into()
}
