"""`slm-export site`: bundles and the built page → a folder that any static host serves (issue 9, docs/sites.md).

Everything that comes from a settings file or a manifest is untrusted: it goes through autoescaping templates or JSON, addresses
are https, paths never leave their folder. Nothing here knows the server (`slm_playground`): the page's files are found on disk.
"""
