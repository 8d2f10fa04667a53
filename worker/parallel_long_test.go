//go:build !js && long

package main_test

import "testing"

// TestTwoHundredAtOnceEachGetTheirOwn is TestManyAtOnceEachGetTheirOwn with more people.
func TestTwoHundredAtOnceEachGetTheirOwn(t *testing.T) { eachGetsTheirOwn(t, 200) }
