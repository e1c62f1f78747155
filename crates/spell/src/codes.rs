//! The codes of what is wrong with a policy as YAML or JSON. `170..=179` belong to this crate; a number
//! is never reused for another meaning.

use faramesh_syntax::Code;

macro_rules! codes {
    ($($identifier:ident = $code:literal, $name:literal, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $identifier: Code = Code($code);
        )*
        /// Every kind of message, by number: its code, its name in kebab case, and what it means. All
        /// of them are errors.
        pub const ALL: &[(Code, &str, &str)] = &[$(($identifier, $name, $meaning)),*];
    };
}

codes! {
    NOT_YAML = 170, "no-yaml", "a text that is no YAML";
    NOT_JSON = 171, "no-json", "a text that is no JSON";
    REFUSED_YAML = 172, "refused-yaml", "a part of YAML that policies do not use: anchors, aliases, tags, merge keys, several documents";
    AMBIGUOUS_SCALAR = 173, "ambiguous-scalar", "a scalar that readers of YAML disagree about, such as `no` or `0755`";
    KEY_NOT_TEXT = 174, "key-not-text", "a key that is no text";
    REPEATED_KEY = 175, "repeated-key", "a key that stands twice in one map";
    UNKNOWN_FORM = 176, "unknown-form", "a key that does not exist in YAML and JSON where it stands";
    WRONG_SHAPE = 177, "wrong-shape", "a map, list or text where another of them belongs, or a part that is missing";
    BAD_FRAGMENT = 178, "bad-fragment", "a text that should be a condition or a value and is more, or less, than that";
    CANNOT_CARRY = 179, "cannot-carry", "something that another spelling cannot hold";
}
