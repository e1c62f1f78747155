//! Functions of conditions.

use faramesh_syntax::ast::{Expr, Name, Spanned};
use faramesh_syntax::nearest;

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, FUNCTIONS, METHODS, one_of};
use crate::members::with_nearest;
use crate::rules::Reading;
use crate::stack::{Expression, Operand};

/// Words of other languages and the function that they are here.
const MEANT: &[(&str, &str)] = &[("exists", "has"), ("defined", "has"), ("is_set", "has"), ("isset", "has")];

impl Checker<'_> {
    /// A call of a function as a condition.
    pub fn call(
        &mut self,
        function: &Name,
        args: &[Spanned<Expr>],
        reading: &mut Reading<'_>,
    ) -> Option<Expression> {
        match (function.node.as_str(), args) {
            ("has", [field]) => self.has(field, reading),
            ("within", [path, folder]) => {
                let (path, folder) = (self.operand(path, reading), self.operand(folder, reading));
                let (path, folder) = (path?, folder?);
                if !self.is_text("within", &path) || !self.is_text("within", &folder) {
                    return None;
                }
                Some(Expression::Within { path: path.operand, folder: folder.operand })
            }
            ("has", _) => {
                self.wrong_count(function, 1, args.len(), "`has(customer.id)`");
                None
            }
            ("within", _) => {
                self.wrong_count(function, 2, args.len(), "`within(path, \"./drafts\")`");
                None
            }
            _ => {
                self.unknown_function(function);
                None
            }
        }
    }

    /// Reports a function that does not exist.
    pub fn unknown_function(&mut self, function: &Name) {
        let name = function.node.as_str();
        let known = FUNCTIONS.iter().map(|word| word.name);
        let meant = MEANT.iter().find(|(written, _)| *written == name).map(|(_, meant)| *meant);
        let near = meant.or_else(|| nearest(name, known.clone()));
        let method = definitions::word(METHODS, name)
            .map(|word| word.name)
            .or_else(|| (name == "len").then_some("length"));
        let diagnostic = codes::UNKNOWN_FUNCTION.at(function.span, format!("there is no function `{name}`"));
        self.report(match method {
            Some(method) => diagnostic.with_help(format!("write it after a value, as in `amount.{method}`")),
            None => with_nearest(diagnostic, near, function.span, || {
                format!("the functions are {}", one_of(&known.collect::<Vec<_>>()))
            }),
        });
    }

    fn has(&mut self, field: &Spanned<Expr>, reading: &mut Reading<'_>) -> Option<Expression> {
        let typed = self.operand(field, reading)?;
        match typed.operand {
            Operand::Path(path) => Some(Expression::Has(path)),
            Operand::Fact(_) => {
                let message = format!("`has` looks for a field of the call, and `{}` is none", typed.text);
                self.say(codes::WRONG_ARGUMENTS, typed.span, message, "compare it with something");
                None
            }
            Operand::Lower(_) | Operand::Length(_) | Operand::Domain(_) => {
                let message = format!("`has` looks for a field, and `{}` is computed from one", typed.text);
                let (value, member) = typed.text.rsplit_once('.').unwrap_or((&typed.text, ""));
                let help =
                    format!("write `has({value})`, or `has({value}[\"{member}\"])` for a field of that name");
                self.say(codes::WRONG_ARGUMENTS, typed.span, message, help);
                None
            }
            _ => {
                let message = format!("`has` looks for a field, and `{}` is always there", typed.text);
                self.say(
                    codes::WRONG_ARGUMENTS,
                    typed.span,
                    message,
                    "write the name of a field, as in `has(customer.id)`",
                );
                None
            }
        }
    }
}
