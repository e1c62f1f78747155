(source_file) @local.scope
(block body: (body) @local.scope)

(variable name: (identifier) @local.definition.constant)
(variables body: (body (setting key: (identifier) @local.definition.constant)))
(import alias: (identifier) @local.definition.namespace)

(identifier) @local.reference
