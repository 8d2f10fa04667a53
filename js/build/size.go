package main

func reportSize(root string, d *dist) error { return nil }
