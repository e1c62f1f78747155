(block
  keyword: (identifier) @_keyword
  label: (_) @name
  (#eq? @_keyword "agent")) @definition.class

(variable name: (identifier) @name) @definition.constant
(import alias: (identifier) @name) @definition.module
