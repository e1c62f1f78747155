; Colours of FPL. Where two patterns match one node, the later one counts.

(comment) @comment
(line_continuation) @punctuation.special

; Literals

(string) @string
(escape) @string.escape
(number) @number
(money) @number
(duration) @number
(size) @number
(boolean) @boolean
(null) @constant.builtin
(glob) @string.special
(key_material) @string.special

; Names

(identifier) @variable
(member name: (identifier) @property)
(call function: (identifier) @function.call)
(call function: (member name: (identifier) @function.method.call))
(named_argument name: (identifier) @variable.parameter)
(list (identifier) @constant)

; Names that the language gives

((identifier) @variable.builtin
  (#any-of? @variable.builtin
    "tool" "agent" "action" "model" "args" "host" "port" "method" "path" "query" "headers" "principal"
    "session" "time" "tags" "vars" "history"))

((call function: (identifier) @function.builtin)
  (#any-of? @function.builtin "env" "has" "within" "purpose"))

; Settings

(setting key: (identifier) @property)
(setting value: (identifier) @constant)
(rate_option name: _ @property)
(setting
  key: (identifier) @keyword
  value: (identifier) @keyword.return
  (#eq? @keyword "default"))

; Statements

["import" "as" "use"] @keyword.import
"var" @keyword.modifier
["rules" "rate_limit" "per" "redact" "seal" "key" "require" "called" "manifest" "orchestrator" "undeclared"
  "grant" "to" "max" "approval"] @keyword

(import alias: (identifier) @module)
(use alias: (identifier) @module)
(variable name: (identifier) @constant)
(block keyword: (identifier) @keyword.type)
(block label: (_) @type)
(redaction target: (identifier) @keyword)
(rate_limit period: (identifier) @constant)
(requirement condition: (identifier) @constant)
(trust_key algorithm: (identifier) @type)
(manifest agent: (_) @type)
(manifest from: (_) @type)
(manifest to: (_) @type)

; Rules

(pattern) @function
(rule pattern: (string) @function)
(rate_limit pattern: (string) @function)
(redaction pattern: (string) @function)
(clause keyword: (clause_keyword) @keyword)
(clause key: (identifier) @property)
(clause value: (identifier) @variable)
(clause value: (pattern) @string.special)

["if" "when"] @keyword.conditional
["and" "or" "not" "in" "contains" "matches"] @keyword.operator
["==" "!=" "<" "<=" ">" ">=" "&&" "||" "!" "="] @operator

(effect) @keyword.return

((effect) @keyword.exception
  (#eq? @keyword.exception "deny!"))

; Signs

["{" "}" "[" "]" "(" ")"] @punctuation.bracket
["," ";" ":" "."] @punctuation.delimiter
