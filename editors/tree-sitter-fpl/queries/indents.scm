[(body) (rules_body) (list) (arguments) (group)] @indent.begin
["}" "]" ")"] @indent.branch @indent.end
(comment) @indent.ignore
