import { View } from "../parts/frame";
export function RulesView(_: any) { return <View title="rules">…</View>; }
