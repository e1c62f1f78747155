vim.filetype.add({ extension = { fms = 'fpl' } })
