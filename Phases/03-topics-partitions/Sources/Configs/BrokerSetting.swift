/// A setting of a broker, and what its file or its flags say: what DescribeConfigs tells of it, and what
/// topics' configs come from.
public struct BrokerSetting: Sendable {
    /// The name.
    public var name: String
    /// The type of its value.
    public var type: ConfigType
    /// The default; nil where there is none.
    public var defaultValue: String?
    /// The value that the broker was started with; nil where nothing was said.
    public var value: String?
    /// What it does.
    public var documentation: String

    /// A setting of which all is known.
    public init(name: String, type: ConfigType, defaultValue: String?, value: String?, documentation: String) {
        self.name = name
        self.type = type
        self.defaultValue = defaultValue
        self.value = value
        self.documentation = documentation
    }
}
