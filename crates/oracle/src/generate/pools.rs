//! What policies and calls are made of. Small, so that they meet; odd, so that they meet oddly.

/// Tools that most calls name.
pub const COMMON_TOOLS: &[&str] =
    &["stripe/refund", "s3/objects/write", "web/fetch", "mail/send", "files/read"];

/// Patterns that most rules name.
pub const COMMON_PATTERNS: &[&str] =
    &["stripe/*", "s3/*", "web/*", "mail/*", "files/*", "*/*", "*/re*", "*e*/*"];

/// Tools that calls name.
pub const TOOLS: &[&str] = &[
    "refund",
    "stripe/refund",
    "stripe/refunds/list",
    "s3/objects/write",
    "s3/read",
    "web_search",
    "web/fetch",
    "web/post",
    "mail/send",
    "files/read",
    "files/x/write",
    "odd name:v1",
    "émoji/😀",
    "stripe",
    "files/",
    "a//b",
    "s3",
];

/// Patterns that rules name; each matches some of the tools.
pub const PATTERNS: &[&str] = &[
    "refund",
    "stripe/refund",
    "stripe/*",
    "s3/objects/write",
    "s3/*",
    "web/*",
    "web/fetch",
    "*_search",
    "mail/send",
    "mail/*",
    "files/*",
    "files/*/write",
    "*/read",
    "*/*",
    "st*e/re*d",
    "*/re*",
    "s*/*/write",
    "\"odd name:v1\"",
    "\"émoji/*\"",
    "\"*é*/😀\"",
    "stripe",
    "s3",
    "*e*",
    "a*",
];

/// Numbers as they are written, near to each other and far from any binary float.
pub const NUMBERS: &[&str] = &[
    "500",
    "499.99",
    "500.00",
    "500.01",
    "5e2",
    "0",
    "-0",
    "1",
    "-1",
    "3",
    "2",
    "0.1",
    "0.10",
    "1e30",
    "-1e30",
    "1e-30",
    "9007199254740992",
    "9007199254740993",
    "123456789012345678901234567890.5",
    "10240",
    "443",
    "80",
];

/// Short texts, some that look like other things.
pub const TEXTS: &[&str] = &[
    "refund",
    "REFUND",
    "re",
    "a",
    "ab",
    "b",
    "",
    "héllo",
    "HÉLLO",
    "é",
    "😀",
    "a😀b",
    "ß",
    "ẞ",
    "eu",
    "us",
    "500",
    "true",
    "null",
    "blue",
    "blue team",
    "a\nb",
    "\"q\\",
    "\u{212a}",
    "k",
];

/// Texts that are mail addresses, or nearly.
pub const ADDRESSES: &[&str] = &[
    "bob@corp.example",
    "BOB@CORP.EXAMPLE",
    "bob@corp.example.",
    "bob@sub.corp.example",
    "x@evil.example",
    "bob",
    "@corp.example",
    "bob@",
    "a@evil.example,b@corp.example",
    "Bob <bob@corp.example>",
    "a@b@corp.example",
    "a%x@corp.example",
    "bob@corp.example.evil.example",
    "bob@CORP.example ",
    "@evil.example",
    "@",
    "",
];

/// Literals that stand for domains, or nearly.
pub const DOMAINS: &[&str] =
    &["@corp.example", "@CORP.example", "@evil.example", "@corp.example.", "@sub.corp.example", "@", "@a@b"];

/// Paths of files and requests.
pub const PATHS: &[&str] = &[
    "./drafts/a.md",
    "drafts/a.md",
    "drafts/../secrets",
    "./drafts/x/../../../etc/passwd",
    "/drafts/a",
    "drafts",
    "drafts/",
    "/srv/public/x",
    "/srv/public/../private",
    "/srv/publicity",
    "",
    ".",
    "/",
    "a/./b//c/",
    "..",
    "../x",
    "../../x",
    "..env",
    "drafts/\u{0}",
    "DRAFTS/A.md",
    "/public/x",
    "/public/x/",
    "/public/../private",
    "/public",
];

/// Folders and prefixes as authors write them.
pub const FOLDERS: &[&str] = &[
    "./drafts",
    "drafts/",
    "./drafts/",
    "./dra",
    "/srv/public",
    "/srv//public/",
    "/",
    ".",
    "./",
    "",
    "..",
    "../",
    "a/..",
    "a/../",
    "../x",
    "drafts/.",
    "/public/",
    "/..",
    "DRAFTS/",
];

/// Globs of paths.
pub const PATH_GLOBS: &[&str] = &[
    "/public/*",
    "/*",
    "/public/x",
    "/*/x",
    "/pub*/x",
    "./drafts/*",
    "drafts/a.*",
    "/",
    "*",
    "/public/",
    "../*",
];

/// Hosts of requests.
pub const HOSTS: &[&str] = &[
    "api.example.com",
    "API.example.com.",
    "example.com",
    "a.b.example.com",
    "evilexample.com",
    "localhost",
    "api.example.com.evil.net",
    ".example.com",
    "x\u{212a}.io",
    "k.io",
    "a.BÜCHER.de",
    "",
];

/// Globs of hosts.
pub const HOST_GLOBS: &[&str] = &[
    "api.example.com",
    "*.example.com",
    "API.EXAMPLE.com",
    "api.*.com",
    "a*.example.com",
    "*",
    "*k.io",
    "k.io",
    "*.bücher.de",
    "local*",
];

/// Methods of requests.
pub const METHODS: &[&str] = &["GET", "get", "POST", "PUT", "DELETE", "GE", "M-SEARCH", "LOC\u{212a}"];

/// Globs of methods.
pub const METHOD_GLOBS: &[&str] = &["GET", "post", "P*", "*T", "*", "M-*", "LOCK"];

/// Globs of texts in queries and headers.
pub const TEXT_GLOBS: &[&str] = &["blue", "a*", "*b", "a*b", "*", "@corp.example", "1", "*é*", "re*"];

/// Regular expressions.
pub const REGEXES: &[&str] = &[
    "^re",
    "[0-9]+$",
    "(?i)^refund$",
    "^/srv/",
    "corp\\.example$",
    "a|b",
    "^$",
    "é",
    "\\p{L}+",
    "^.{3}$",
    "@corp",
    "^[^@]+@corp\\.example$",
    "\\bteam\\b",
    "(?s)a.b",
    "^(?:GET|POST)$",
    "..",
];
