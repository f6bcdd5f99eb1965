"""The commands, a file for each verb or group of verbs; a file that is put here is a command."""
