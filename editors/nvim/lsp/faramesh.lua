-- For Neovim 0.11 and later: `vim.lsp.enable('faramesh')`.
return {
  cmd = { 'faramesh', 'lsp' },
  filetypes = { 'fpl' },
  root_markers = { 'governance.fms', '.git' },
}
