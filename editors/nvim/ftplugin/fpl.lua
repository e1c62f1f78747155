-- How a policy is edited. The language server is started by `require('faramesh').setup()`.
vim.bo.commentstring = '# %s'
vim.bo.comments = ':#'
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2
vim.bo.suffixesadd = '.fms'

-- Colours and folds, when the parser is there (`require('faramesh').build()` makes it).
if vim.treesitter and vim.treesitter.start and pcall(vim.treesitter.start, 0, 'fpl') then
  if vim.treesitter.foldexpr then
    vim.wo.foldexpr = 'v:lua.vim.treesitter.foldexpr()'
  end
  vim.b.undo_ftplugin = (vim.b.undo_ftplugin or '') .. '\n call v:lua.vim.treesitter.stop()'
end
