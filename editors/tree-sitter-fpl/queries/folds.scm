[(body) (rules_body) (list)] @fold
