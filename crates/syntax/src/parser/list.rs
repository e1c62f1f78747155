//! Lists and whatever else is separated by commas, with recovery inside of them.

use super::Parser;
use super::value::Place;
use crate::ast::{Span, Spanned, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::limits;

impl Parser<'_> {
    /// A list of a setting or clause.
    pub(super) fn list(&mut self) -> Option<Spanned<Value>> {
        let start = self.here();
        self.open(SyntaxKind::LIST);
        let outer = std::mem::take(&mut self.value_height);
        let elements = self.elements(SyntaxKind::RIGHT_BRACKET, |parser| parser.value(Place::Element));
        self.value_height = outer.max(self.value_height + 1);
        self.close();
        Some(Spanned { node: Value::List(elements?), span: self.span_from(start) })
    }

    /// `opening element, element, closer`. Nothing if an element or the end is broken.
    pub(super) fn elements<T>(
        &mut self,
        closer: SyntaxKind,
        mut element: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let opener = self.bump().span;
        let mut elements = Vec::new();
        let mut intact = true;
        self.listing += 1;
        while !self.at(closer) && !self.ends_elements(closer) {
            let before = self.position;
            match element(self) {
                Some(_) if elements.len() >= limits::LIST_ELEMENTS => {
                    if intact {
                        let message = format!("this list has more than {} elements", limits::LIST_ELEMENTS);
                        self.report(
                            Diagnostic::error(codes::LIST_TOO_LONG, opener, message).with_help("split it"),
                        );
                    }
                    intact = false;
                }
                Some(found) => elements.push(found),
                None => {
                    intact = false;
                    self.skip_element(closer);
                }
            }
            if self.eat(SyntaxKind::COMMA) || self.at(closer) || self.ends_elements(closer) {
                continue;
            }
            if self.position == before || !self.missing_comma() {
                break;
            }
        }
        self.listing -= 1;
        let closed = self.close_group(opener, closer, "`,` or the end of the list");
        (closed && intact).then_some(elements)
    }

    fn ends_elements(&mut self, closer: SyntaxKind) -> bool {
        use SyntaxKind as K;
        let ends = matches!(
            self.kind(),
            K::END | K::RIGHT_BRACE | K::RIGHT_BRACKET | K::RIGHT_PAREN | K::SEMICOLON | K::LEFT_BRACE
        );
        ends || self.token(0).first_on_line
            && self.at(K::WORD)
            // In a call `name = value` is an argument.
            && (self.nth(1) == K::LEFT_BRACE || closer == K::RIGHT_BRACKET && self.nth(1) == K::EQUAL)
    }

    fn skip_element(&mut self, closer: SyntaxKind) {
        self.open(SyntaxKind::ERROR);
        while !self.at(SyntaxKind::COMMA) && !self.at(closer) && !self.ends_elements(closer) {
            if matches!(self.kind(), SyntaxKind::LEFT_PAREN | SyntaxKind::LEFT_BRACKET) {
                self.skip_group();
            } else {
                self.bump();
            }
        }
        self.close();
    }

    /// Two elements side by side; gives false if what follows is no element.
    fn missing_comma(&mut self) -> bool {
        let token = self.token(0);
        let is_element = token.kind.is_string()
            || token.kind.is_number()
            || token.kind == SyntaxKind::WORD && !self.starts_statement();
        if is_element {
            let end = Span { start: self.last_end, end: self.last_end };
            self.report(
                Diagnostic::error(codes::UNEXPECTED, token.span, "there is no `,` before this element")
                    .with_help("separate the elements of a list by `,`")
                    .with_fix(end, ",", "add `,`"),
            );
        }
        is_element
    }
}
