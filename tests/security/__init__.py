"""Attempts on Carillon, each performed through the real ways in. Row of the table → where it is tried:

- addresses that lead inside, redirects, second answers of DNS, proxies: test_addresses; the checks themselves in
  tests/integrations/test_addresses and test_http
- SQL that writes, reaches out or never ends: test_sql_writes
- a connection whose role may do anything: test_mighty_roles
- secrets and their traces, keys, three stars: test_secrets
- changing only the destination of a secret: test_destination
- paths, links, pipes under the root of files: test_files; tests/integrations/test_connection_places
- bombs and unknown keys in YAML: test_yaml
- templates, variables and formats in texts: test_templates
- management commands: test_commands; tests/jobtypes/test_management_command
- headers, mail, and subjects of messages: test_headers; tests/jobtypes/test_command
- objects of another environment: test_environments_in_the_api, test_every_address
- forged actors, stale authority: test_forged_actors, test_proxy_user
- tokens: test_tokens; tests/api/test_access and test_scopes
- floods: test_floods
- bombs of cron and JSON, and whatever else a request may hold: test_bombs, test_storm, test_hostile_requests
- markup, formulas and terminals in names, output and errors: test_output
- the audit trail: test_audit_trail
- guessing at the login: tests/face/test_login
- production with settings for trying: test_production
"""
