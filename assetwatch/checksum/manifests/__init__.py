"""What do senders say their files are? Reading manifests of every format the field uses."""
