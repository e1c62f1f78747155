; What stands behind `matches` is a regular expression.
((comparison
  operator: "matches"
  right: (string (string_content) @injection.content))
  (#set! injection.language "regex")
  (#set! injection.combined))

((comment) @injection.content
  (#set! injection.language "comment"))
