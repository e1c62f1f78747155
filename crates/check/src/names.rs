//! Names of conditions to places in the call. The order is builtins, variables, then the tool's
//! arguments; what follows a name is a field of it or a method on it.

use faramesh_program::image::{Fact, Path, Root, Step};
use faramesh_syntax::ast::{self, Name, Span, Spanned};
use faramesh_syntax::{nearest, quote};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, NAMES, one_of};
use crate::members::with_nearest;
use crate::operands::COMPUTED;
use crate::rules::Reading;
use crate::stack::Operand;
use crate::types::{Type, Typed};

impl Checker<'_> {
    /// A name with what follows it.
    pub fn path_operand(
        &mut self,
        root: &Name,
        steps: &[Spanned<ast::Step>],
        span: Span,
        reading: &mut Reading<'_>,
    ) -> Option<Typed> {
        if definitions::word(NAMES, &root.node).is_some() {
            return self.builtin(root, steps, span, reading);
        }
        if let Some(written) = reading.scope.get(&root.node) {
            reading.resolved.insert(root.node.clone(), written.text.clone());
            let kind = Type::of_constant(&written.constant);
            let operand = Operand::Constant(written.constant.clone());
            let typed = Typed { operand, kind, span: root.span, text: root.node.clone() };
            return self.methods_of(typed, steps, span);
        }
        if reading.scope.is_selector(&root.node) {
            let (fields, methods) = self.split_methods(steps, 0);
            self.forgotten_parentheses(fields)?;
            let text = written_place(&root.node, fields);
            let typed = self.selector_operand(&root.node, fields, span, text);
            return self.methods_of(typed, methods, span);
        }
        if !self.looked_for.contains(&root.node)
            && self.looked_for.insert(root.node.clone())
            && let Some(near) = nearest(&root.node, reading.scope.names())
        {
            self.near_variables.push((root.node.clone(), root.span, near.to_owned()));
        }
        let (fields, methods) = self.split_methods(steps, 0);
        self.forgotten_parentheses(fields)?;
        let mut all = vec![Step::Key(root.node.clone())];
        all.extend(fields.iter().map(|step| owned(&step.node)));
        let kind = if fields.is_empty() { Root::Args } else { Root::Field };
        let typed = self.place(kind, all, span, &root.node, fields);
        self.methods_of(typed, methods, span)
    }

    fn place(
        &self,
        root: Root,
        steps: Vec<Step>,
        span: Span,
        name: &str,
        written: &[Spanned<ast::Step>],
    ) -> Typed {
        let text = written_place(name, written);
        let (whole, member) = Type::of_root(root);
        let kind = if steps.is_empty() { whole } else { member.unwrap_or(whole) };
        let path = Path { root, steps, text: text.clone() };
        Typed { operand: Operand::Path(path), kind, span, text }
    }

    /// Fields, and the methods that follow the last of them. At least `fields` steps are fields.
    fn split_methods<'b>(
        &self,
        steps: &'b [Spanned<ast::Step>],
        fields: usize,
    ) -> (&'b [Spanned<ast::Step>], &'b [Spanned<ast::Step>]) {
        let is_method = |step: &Spanned<ast::Step>| self.is_method(step, COMPUTED);
        let methods = steps.iter().skip(fields).rev().take_while(|step| is_method(step)).count();
        steps.split_at(steps.len() - methods)
    }

    /// Whether a step is written `.name` with one of these names; `["name"]` always is a field.
    fn is_method(&self, step: &Spanned<ast::Step>, names: &[&str]) -> bool {
        matches!(&step.node, ast::Step::Key(key) if names.contains(&key.as_str()))
            && self.first_byte(step.span) != Some(b'"')
    }

    /// `path.starts_with` without parentheses would be a field of that name.
    fn forgotten_parentheses(&mut self, steps: &[Spanned<ast::Step>]) -> Option<()> {
        let Some(last) = steps.last().filter(|step| self.is_method(step, &["starts_with", "ends_with"]))
        else {
            return Some(());
        };
        let ast::Step::Key(name) = &last.node else { return Some(()) };
        self.say(
            codes::WRONG_ARGUMENTS,
            last.span,
            format!("`{name}` takes 1 argument"),
            format!("write `.{name}(\"…\")`"),
        );
        None
    }

    /// Applies `steps`, all of which must be methods.
    fn methods_of(&mut self, mut typed: Typed, steps: &[Spanned<ast::Step>], span: Span) -> Option<Typed> {
        for step in steps {
            self.forgotten_parentheses(std::slice::from_ref(step))?;
            let ast::Step::Key(name) = &step.node else { return self.no_members(&typed, step) };
            if !self.is_method(step, COMPUTED) {
                return self.no_members(&typed, step);
            }
            typed = self.computed(name, typed, span)?;
        }
        typed.span = span;
        Some(typed)
    }

    fn no_members<T>(&mut self, typed: &Typed, step: &Spanned<ast::Step>) -> Option<T> {
        let name = match &step.node {
            ast::Step::Key(key) => key.clone(),
            ast::Step::Index(index) => index.to_string(),
        };
        let near = nearest(&name, COMPUTED.iter().copied());
        let message = format!("`{}` is {}, and has no member `{name}`", typed.text, typed.kind.name());
        let diagnostic = codes::UNKNOWN_MEMBER.at(step.span, message);
        self.report(with_nearest(diagnostic, near, step.span, || format!("write `{}`", typed.text)));
        None
    }

    fn builtin(
        &mut self,
        root: &Name,
        steps: &[Spanned<ast::Step>],
        span: Span,
        reading: &mut Reading<'_>,
    ) -> Option<Typed> {
        let scalar = match root.node.as_str() {
            "vars" => return self.variable_member(steps, span, reading),
            "time" => return self.time(root, steps, span),
            "session" => return self.session(root, steps, span),
            "args" => return self.object(Root::Args, root, steps, span),
            "query" => return self.object(Root::Query, root, steps, span),
            "headers" => return self.object(Root::Headers, root, steps, span),
            "principal" => return self.object(Root::Principal, root, steps, span),
            "tags" => return self.object(Root::Tags, root, steps, span),
            "tool" => Root::Tool,
            "agent" => Root::Agent,
            "action" => Root::Action,
            "model" => Root::Model,
            "host" => Root::Host,
            "port" => Root::Port,
            "method" => Root::Method,
            _ => Root::Path,
        };
        let typed = self.place(scalar, Vec::new(), root.span, &root.node, &[]);
        self.methods_of(typed, steps, span)
    }

    fn object(&mut self, root: Root, name: &Name, steps: &[Spanned<ast::Step>], span: Span) -> Option<Typed> {
        let (fields, methods) = self.split_methods(steps, 1);
        self.forgotten_parentheses(fields)?;
        let mut all: Vec<Step> = fields.iter().map(|step| owned(&step.node)).collect();
        if let (Root::Headers, Some(Step::Key(header))) = (root, all.first_mut()) {
            header.make_ascii_lowercase();
        }
        let typed = self.place(root, all, span, &name.node, fields);
        self.methods_of(typed, methods, span)
    }

    fn variable_member(
        &mut self,
        steps: &[Spanned<ast::Step>],
        span: Span,
        reading: &mut Reading<'_>,
    ) -> Option<Typed> {
        let known: Vec<&str> = reading.scope.names().collect();
        let Some((Spanned { node: ast::Step::Key(name), span: at }, rest)) = steps.split_first() else {
            let message = "`vars` stands before the name of a variable";
            self.say(codes::UNKNOWN_MEMBER, span, message, "write `vars.limit` for a variable `limit`");
            return None;
        };
        let Some(written) = reading.scope.get(name) else {
            let near = nearest(name, known.iter().copied());
            let diagnostic = codes::UNKNOWN_VARIABLE.at(*at, format!("there is no variable `{name}`"));
            self.report(with_nearest(diagnostic, near, *at, || format!("declare it: `var {name} = …`")));
            return None;
        };
        reading.resolved.insert(name.clone(), written.text.clone());
        let kind = Type::of_constant(&written.constant);
        let operand = Operand::Constant(written.constant.clone());
        let typed = Typed { operand, kind, span, text: format!("vars.{name}") };
        self.methods_of(typed, rest, span)
    }

    fn time(&mut self, root: &Name, steps: &[Spanned<ast::Step>], span: Span) -> Option<Typed> {
        const PARTS: &[&str] = &["hour", "weekday", "now"];
        let Some((first, rest)) = steps.split_first() else {
            self.say(
                codes::UNKNOWN_MEMBER,
                span,
                "`time` stands before one of its parts",
                "write `time.hour`, `time.weekday` or `time.now`",
            );
            return None;
        };
        let part = match &first.node {
            ast::Step::Key(name) if name == "hour" => Root::TimeHour,
            ast::Step::Key(name) if name == "weekday" => Root::TimeWeekday,
            ast::Step::Key(name) if name == "now" => Root::TimeNow,
            _ => return self.unknown_member(root, first, PARTS),
        };
        let typed = self.place(part, Vec::new(), span, &root.node, std::slice::from_ref(first));
        self.methods_of(typed, rest, span)
    }

    fn session(&mut self, root: &Name, steps: &[Spanned<ast::Step>], span: Span) -> Option<Typed> {
        let rest = match steps.split_first() {
            Some((Spanned { node: ast::Step::Key(name), .. }, rest)) if name == "id" => rest,
            Some((Spanned { node: ast::Step::Key(name), .. }, rest))
                if matches!(name.as_str(), "calls" | "cost") =>
            {
                self.note_function(&format!("session.{name}"), span);
                let fact = if name == "calls" { Fact::SessionCalls } else { Fact::SessionCost };
                let typed = Typed::fact(fact, span, format!("session.{name}"));
                return self.methods_of(typed, rest, span);
            }
            Some((first, _)) if !self.is_method(first, COMPUTED) => {
                return self.unknown_member(root, first, &["id", "calls", "cost", "sum", "count"]);
            }
            _ => steps,
        };
        let typed = self.place(Root::Session, Vec::new(), root.span, &root.node, &[]);
        self.methods_of(typed, rest, span)
    }

    fn unknown_member<T>(&mut self, root: &Name, step: &Spanned<ast::Step>, known: &[&str]) -> Option<T> {
        let written = match &step.node {
            ast::Step::Key(key) => key.clone(),
            ast::Step::Index(index) => index.to_string(),
        };
        let diagnostic =
            codes::UNKNOWN_MEMBER.at(step.span, format!("`{}` has no member `{written}`", root.node));
        let full = |name: &str| format!("{}.{name}", root.node);
        let near = nearest(&written, known.iter().copied());
        self.report(match near {
            Some(near) => diagnostic.with_help(format!("did you mean `{}`?", full(near))).with_fix(
                step.span,
                near,
                format!("write `{near}`"),
            ),
            None => {
                let all: Vec<String> = known.iter().map(|name| full(name)).collect();
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                diagnostic.with_help(format!(
                    "there are {}; an argument of this name is `args.{}`",
                    one_of(&all),
                    root.node
                ))
            }
        });
        None
    }
}

/// `name.member["odd member"][0]`
fn written_place(name: &str, steps: &[Spanned<ast::Step>]) -> String {
    let mut text = name.to_owned();
    for step in steps {
        match &step.node {
            ast::Step::Key(key) if is_identifier(key) => {
                text.push('.');
                text.push_str(key);
            }
            ast::Step::Key(key) => text.push_str(&format!("[{}]", quote(key))),
            ast::Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn owned(step: &ast::Step) -> Step {
    match step {
        ast::Step::Key(key) => Step::Key(key.clone()),
        ast::Step::Index(index) => Step::Index(*index),
    }
}

fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
