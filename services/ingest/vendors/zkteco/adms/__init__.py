"""ZKTeco's push protocol ("ADMS", "iclock"): the machine is an HTTP client. Source: PROTOCOLS §2."""
