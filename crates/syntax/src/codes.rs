//! The codes of everything that is wrong with the text itself. `1..=99` belong to this crate;
//! a number is never reused for another meaning.

use crate::diagnostic::Code;

/// A character that has no meaning where it stands.
pub const UNEXPECTED_CHARACTER: Code = Code(1);
/// A string without its closing quote.
pub const UNCLOSED_STRING: Code = Code(2);
/// A backslash in a string followed by something that is no escape.
pub const UNKNOWN_ESCAPE: Code = Code(3);
/// Curly or single quotes where straight double quotes belong.
pub const WRONG_QUOTES: Code = Code(4);
/// A comment that begins with `//` or `/*`.
pub const WRONG_COMMENT: Code = Code(5);
/// A control or direction-changing character, invisible on the screen.
pub const INVISIBLE_CHARACTER: Code = Code(6);
/// A number with an unknown unit or a wrong shape.
pub const BAD_NUMBER: Code = Code(7);
/// Text that needs quotes around it.
pub const NEEDS_QUOTES: Code = Code(8);
/// Something else was expected.
pub const UNEXPECTED: Code = Code(10);
/// An opening brace, bracket or parenthesis that is never closed.
pub const UNCLOSED: Code = Code(11);
/// A closing brace, bracket or parenthesis that closes nothing.
pub const NOTHING_TO_CLOSE: Code = Code(12);
/// A block without its `{`.
pub const MISSING_BODY: Code = Code(13);
/// A setting without a value.
pub const MISSING_VALUE: Code = Code(14);
/// A setting written with `:`.
pub const COLON_IN_SETTING: Code = Code(15);
/// The name of a setting in quotes.
pub const QUOTED_KEY: Code = Code(16);
/// A comma between statements or patterns.
pub const COMMA: Code = Code(17);
/// A statement that is not finished or has a wrong part.
pub const BAD_STATEMENT: Code = Code(18);
/// A word where an effect belongs.
pub const UNKNOWN_EFFECT: Code = Code(20);
/// A rule without its tool.
pub const MISSING_PATTERN: Code = Code(21);
/// A `!` that does not belong to this effect, or stands apart from it.
pub const WRONG_BANG: Code = Code(22);
/// A word where `if` or a clause belongs.
pub const UNKNOWN_CLAUSE: Code = Code(23);
/// `else`, `then` and their like.
pub const NO_ELSE: Code = Code(24);
/// A clause without its value, or with a value of a wrong shape.
pub const BAD_CLAUSE: Code = Code(25);
/// A condition after the clauses, or a second one.
pub const CONDITION_PLACE: Code = Code(26);
/// A statement inside `rules` that is no rule.
pub const NOT_A_RULE: Code = Code(27);
/// `=` where `==` belongs.
pub const ASSIGNMENT: Code = Code(30);
/// An operator that is not in the language.
pub const UNKNOWN_OPERATOR: Code = Code(31);
/// A condition without a side.
pub const MISSING_OPERAND: Code = Code(32);
/// `a < b < c`.
pub const CHAINED_COMPARISON: Code = Code(33);
/// `+ - * / %`.
pub const ARITHMETIC: Code = Code(34);
/// A wrong index, member or argument.
pub const BAD_ACCESS: Code = Code(35);
/// The source is larger than [`SOURCE_BYTES`](crate::limits::SOURCE_BYTES).
pub const SOURCE_TOO_LARGE: Code = Code(90);
/// Nested deeper than [`NESTING`](crate::limits::NESTING).
pub const TOO_DEEP: Code = Code(91);
/// A string longer than [`STRING_BYTES`](crate::limits::STRING_BYTES).
pub const STRING_TOO_LONG: Code = Code(92);
/// A list longer than [`LIST_ELEMENTS`](crate::limits::LIST_ELEMENTS).
pub const LIST_TOO_LONG: Code = Code(93);
/// More rules than [`RULES`](crate::limits::RULES).
pub const TOO_MANY_RULES: Code = Code(94);
/// More messages than [`DIAGNOSTICS`](crate::limits::DIAGNOSTICS).
pub const TOO_MANY_DIAGNOSTICS: Code = Code(95);
/// The canonical form would mean something else.
pub const FORMAT_CHANGES_MEANING: Code = Code(96);
